"""Owns executing a document that may be executed: in one unit of work, and by the cheapest way that gives the same answer.

A mutation is one transaction. If it is refused, or its answer has a top-level error, it leaves nothing behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from graphql import execute_sync
from graphql.execution.values import get_variable_values
from sqlalchemy.exc import SQLAlchemyError

from app.api.asked import bad_request
from app.api.calls import RequestFailedError
from app.api.compiled import ENCODE
from app.api.context import Context, Outcome
from app.api.failures import BAD_REQUEST, RequestCode, RequestRefusedError
from app.api.limits import MAXIMUM_ERRORS_SHOWN
from app.api.schema import SCHEMA
from app.database import LazySession, transact
from app.http import bearer_token
from app.identity import token_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import GraphQLError
    from sqlalchemy.orm import Session

    from app.api.asked import Asked
    from app.api.calls import Calls
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


def execute(operation: Operation, facts: Facts, running: Wave, calls: Calls, *, identifies_first: bool = True) -> Executed:
    """Find out who asks, and do what they ask.

    Args:
        identifies_first: otherwise the owner of an API token is found by the first statement that needs to know.

    Raises: RequestFailedError for a token that is nobody's, and what the database's failures mean.
    """
    def context_for(session: Session) -> Context:
        token = bearer_token(facts)
        context = Context(
            session=session, settings=running.settings, facts=facts, pace=running.pace, calls=calls,
            token_digest=token_digest(token) if token else None,
        )
        if identifies_first or token is None:
            _identify(context)
        return context

    begin = partial(LazySession, running.sessions)
    if not operation.prepared.mutates:
        return transact(begin, lambda session: _run(operation, context_for(session)))
    try:
        return transact(begin, lambda session: _mutate(operation, context_for(session)))
    except UndoneError as undone:
        return undone.executed


def _run(operation: Operation, context: Context) -> Executed:
    """What the function that was made of the document says; what it does not know, graphql-core says."""
    compiled = operation.prepared.compiled
    if compiled is None:
        return _by_graphql_core(operation, context)
    context.outcome = Outcome()
    try:
        data = compiled.run(context, operation.variables)
        _identify(context)
        return Executed(data, (), context, kept=not context.refused)
    except (SQLAlchemyError, RequestFailedError):
        raise
    except Exception:  # noqa: BLE001 - whatever it is, graphql-core meets it again, and tells it
        context.related = 0
        _identify(context)
        return _by_graphql_core(operation, context)


def _identify(context: Context) -> None:
    """A token that is nobody's has no answer, also where no field asked whose it is. A payment too many costs no statement."""
    if context.retry_after_seconds is None:
        _ = context.viewer


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
        if isinstance(error.original_error, (SQLAlchemyError, RequestFailedError)):
            raise error.original_error
    undone = operation.prepared.mutates and bool(errors)
    # What a mutation that was rolled back could still show would not be so.
    return Executed(None if undone or result.data is None else ENCODE(result.data), errors, context, kept=not (undone or context.refused))
