"""Owns executing a document that may be executed: in one unit of work, and by the cheapest way that gives the same answer.

A mutation is one transaction. If it is refused, or its answer has a top-level error, it leaves nothing behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import execute_sync
from graphql.execution.values import get_variable_values
from sqlalchemy.exc import SQLAlchemyError

from app.api.asked import bad_request
from app.api.compiled import ENCODE, Info
from app.api.context import Context, Outcome
from app.api.failures import BAD_REQUEST, RequestCode, RequestRefusedError
from app.api.limits import MAXIMUM_ERRORS_SHOWN
from app.api.resolvers.paying import payload_of, send_payment
from app.api.schema import SCHEMA
from app.database import transact
from app.http import Deed, viewer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from graphql import GraphQLError
    from sqlalchemy.orm import Session

    from app.api.asked import Asked
    from app.api.documents import Prepared
    from app.http import Facts, Wave


@dataclass(frozen=True, slots=True)
class Operation:
    """What is to be executed."""

    prepared: Prepared
    given: dict[str, Any]
    """The variables as they were sent."""
    variables: dict[str, Any]
    """As the schema reads them; only for a compiled document, since graphql-core reads them itself."""
    open_schema: bool
    """Whether names may be suggested."""


@dataclass(frozen=True, slots=True)
class Executed:
    """What came of it."""

    data: str | None
    """As JSON; None where it is null."""
    errors: Sequence[GraphQLError]
    context: Context
    kept: bool
    """Whether what was written stays."""


class UndoneError(Exception):
    """Carries an outcome out of its transaction, which is rolled back by it."""

    def __init__(self, executed: Executed) -> None:
        self.executed = executed
        super().__init__("nothing of this mutation is kept")


def operation_of(prepared: Prepared, asked: Asked, *, open_schema: bool) -> Operation:
    """The document with its variables. Raises: RequestRefusedError for a wrong name, or variables that do not fit."""
    if not prepared.is_named(asked.operation_name):
        raise bad_request("`operationName` is not the name of the operation in the query.")
    if prepared.compiled is None:
        return Operation(prepared, asked.variables, {}, open_schema)
    values: dict[str, Any] | list[GraphQLError]
    try:
        values = prepared.compiled.read_variables(asked.variables)
    except Exception:  # noqa: BLE001 - whatever it is, graphql-core meets it again, and tells it
        definitions = prepared.operation.variable_definitions or ()
        values = get_variable_values(
            SCHEMA, definitions, asked.variables, max_errors=MAXIMUM_ERRORS_SHOWN, hide_suggestions=not open_schema)
    if isinstance(values, list):
        raise RequestRefusedError(BAD_REQUEST, RequestCode.INVALID_VARIABLES, values)
    return Operation(prepared, asked.variables, values, open_schema)


def execute(operation: Operation, facts: Facts, running: Wave) -> Executed:
    """Find out who asks, and do what they ask. Raises: UnauthenticatedError, and what the database's failures mean."""
    def context_for(session: Session) -> Context:
        viewer = viewer_of(session, facts, running.settings)
        return Context(session=session, settings=running.settings, facts=facts, viewer=viewer, pace=running.pace)

    if not operation.prepared.mutates:
        return transact(running.sessions, lambda session: _run(operation, context_for(session)))
    try:
        return transact(running.sessions, lambda session: _mutate(operation, context_for(session)))
    except UndoneError as undone:
        return undone.executed


def execute_settled(operation: Operation, context: Context) -> Executed:
    """Answer a `sendPayment` whose payment is made, or refused, already: it only reads."""
    way, settled = operation.prepared.short_way, context.settled
    if way and settled and not settled.failure:
        context.deed = Deed(action=send_payment.__name__, object_id=settled.payment_id)
        return _by_function(operation, context, lambda: way.text % way.read(payload_of(settled), Info(context, {})))
    return _by_graphql_core(operation, context)


def execute_seen(operation: Operation, context: Context) -> Executed:
    """Answer a question for a wallet that was looked up already."""
    return _run(operation, context)


def _run(operation: Operation, context: Context) -> Executed:
    compiled = operation.prepared.compiled
    if compiled:
        context.outcome = Outcome()
        return _by_function(operation, context, lambda: compiled.run(context, operation.variables))
    return _by_graphql_core(operation, context)


def _by_function(operation: Operation, context: Context, data: Callable[[], str]) -> Executed:
    """What the function that was made of the document says; what it does not know, graphql-core says."""
    try:
        return Executed(data(), (), context, kept=not context.refused)
    except SQLAlchemyError:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, graphql-core meets it again, and tells it
        context.related = 0
        return _by_graphql_core(operation, context)


def _mutate(operation: Operation, context: Context) -> Executed:
    executed = _run(operation, context)
    if executed.kept:
        return executed
    raise UndoneError(executed)


def _by_graphql_core(operation: Operation, context: Context) -> Executed:
    result = execute_sync(
        SCHEMA, operation.prepared.document, context_value=context, variable_values=operation.given,
        max_coercion_errors=MAXIMUM_ERRORS_SHOWN, hide_suggestions=not operation.open_schema,
    )
    errors = result.errors or ()
    if errors and all(error.path is None for error in errors):  # no field's: the variables could not be read
        raise RequestRefusedError(BAD_REQUEST, RequestCode.INVALID_VARIABLES, errors)
    for error in errors:
        # The database's own failures end the transaction: `transact` tries again, or tells whose fault it is.
        if isinstance(error.original_error, SQLAlchemyError):
            raise error.original_error
    undone = operation.prepared.mutates and bool(errors)
    # What a mutation that was rolled back could still show would not be so.
    return Executed(None if undone or result.data is None else ENCODE(result.data), errors, context, kept=not (undone or context.refused))
