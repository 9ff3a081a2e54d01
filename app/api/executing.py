"""Owns executing an operation in one unit of work.

A mutation is one transaction. If it is refused, or its answer has a top-level error, it leaves nothing behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from app.api.context import Context
from app.database import LazySession, transact
from app.http import bearer_token
from app.identity import token_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import GraphQLError
    from sqlalchemy.orm import Session

    from app.api.calls import Calls
    from app.graphql_engine import Engine, Operation
    from app.http import RequestContext, Runtime


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


def execute(
    engine: Engine, operation: Operation, request_context: RequestContext, runtime: Runtime, calls: Calls, *, identifies_first: bool = True
) -> Executed:
    """Find out who asks, and do what they ask.

    Args:
        identifies_first: otherwise the owner of an API token is found by the first statement that needs to know.

    Raises: RequestFailedError for a token that is nobody's, and what the database's failures mean.
    """
    def run(session: Session) -> Executed:
        token = bearer_token(request_context)
        context = Context(
            session=session, settings=runtime.settings, request_context=request_context, payment_rate_limit=runtime.payment_rate_limit,
            calls=calls,
            token_digest=token_digest(token) if token else None,
        )
        if identifies_first or token is None:
            context.settle()
        result = engine.execute(operation, context, settle=context.settle)
        undone = operation.prepared.is_mutation and bool(result.errors)
        # What a mutation that was rolled back could still show would not be so.
        executed = Executed(None if undone else result.data, result.errors, context, kept=not (undone or context.refused))
        if not executed.kept:
            raise UndoneError(executed)
        return executed

    try:
        return transact(partial(LazySession, runtime.sessions), run)
    except UndoneError as undone:
        return undone.executed
