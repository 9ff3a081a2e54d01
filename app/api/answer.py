"""Owns the way from a request to its answer, as plain values: whatever entry takes it, the same rules hold. Knows no framework.

One request is one transaction. A mutation that is refused, or whose answer has a top-level error, leaves nothing behind.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol

from graphql import execute_sync
from graphql.execution.values import get_variable_values
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.api.context import Context
from app.api.documents import Documents, Prepared
from app.api.failures import RequestCode, RequestRefusedError, execution_error, masked, request_errors, told
from app.api.limits import MAXIMUM_BODY_BYTES, MAXIMUM_ERRORS_SHOWN, maximum_body_bytes, takes_large_body
from app.api.schema import SCHEMA
from app.api.short_way import order_of
from app.database import transact
from app.errors import DatabaseUnavailableError, RateLimitedError, UnauthenticatedError, WalletError
from app.http import Facts, Wave, log_failure, login_cookie, viewer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graphql import ExecutionResult

    from app.payments import Order, Settled

OK: Final = 200
NO_CONTENT: Final = 204
BAD_REQUEST: Final = 400
METHOD_NOT_ALLOWED: Final = 405
CONTENT_TOO_LARGE: Final = 413
UNSUPPORTED_MEDIA_TYPE: Final = 415
SERVER_ERROR: Final = 500
SERVICE_UNAVAILABLE: Final = 503
ALLOWED_METHODS: Final = "OPTIONS, POST"


# For an answer that needs nothing looked up; bound to no database, it refuses every statement.
NO_DATABASE: Final = Session()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back, whatever carries it."""

    status: int
    body: bytes
    """JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[dict[str, Any], ...] = ()
    """Each as `login_cookie` makes it."""
    username: str | None = None
    """Who asked, for the log."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a body asks for, in its proper shape."""

    query: str
    variables: dict[str, Any]
    operation_name: str | None


class Desk(Protocol):
    """What an entry on an event loop gives, so that the loop goes on meanwhile."""

    async def settle(self, order: Order) -> Settled:
        """Post a payment together with the others that wait."""

    async def in_thread(self, work: Callable[[], Answer]) -> Answer:
        """Run what waits for the database, or computes for long, elsewhere."""


class UndoneError(Exception):
    """Carries an outcome out of its transaction, which is rolled back by it."""

    def __init__(self, result: ExecutionResult, context: Context) -> None:
        self.outcome = (result, context)
        super().__init__("nothing of this mutation is kept")


def answer(facts: Facts, *, content_type: str | None, body: bytes, running: Wave) -> Answer:
    """The answer to a request to /graphql, whatever was sent. Never raises.

    Args:
        body: as sent; of a longer one, at least `maximum_body_bytes` + 1.
    """
    try:
        if facts.method == "OPTIONS":
            return Answer(status=NO_CONTENT, body=b"", headers={"Allow": ALLOWED_METHODS})
        asked = _read(facts, content_type, body)
        open_schema = running.settings.environment == "development"
        prepared = _documents(open_schema=open_schema).prepare(asked.query)
        _check_body(body, prepared)
        _check_operation(prepared, asked, open_schema=open_schema)
        return _execute(prepared, asked, facts, running)
    except Exception as error:  # noqa: BLE001 - the last line of defence: whatever it is, nothing internal leaves the server
        return failure(error, facts)


async def answer_soon(facts: Facts, *, content_type: str | None, body: bytes, running: Wave, desk: Desk) -> Answer:
    """As `answer`, for an entry that must not wait: payments go the short way, all else in a thread of its own. Never raises."""
    try:
        # A large body is read in a thread too: the loop would stand still meanwhile.
        asked = _read(facts, content_type, body) if facts.method == "POST" and len(body) <= MAXIMUM_BODY_BYTES else None
        open_schema = running.settings.environment == "development"
        prepared = _documents(open_schema=open_schema).kept(asked.query) if asked else None
        if asked and prepared and asked.operation_name in (None, "", prepared.name):
            order = order_of(prepared, asked.variables, facts, running.settings.currency)
            if order:
                return await _settle(order, prepared, asked, facts=facts, running=running, desk=desk)
    except Exception as error:  # noqa: BLE001 - as in `answer`
        return failure(error, facts)
    return await desk.in_thread(lambda: answer(facts, content_type=content_type, body=body, running=running))


async def _settle(order: Order, prepared: Prepared, asked: Asked, *, facts: Facts, running: Wave, desk: Desk) -> Answer:
    settled = await desk.settle(order)
    if settled.failure and not belongs_in_payload(settled.failure):
        return failure(settled.failure, facts)

    def render(session: Session) -> Answer:
        context = Context(session=session, settings=running.settings, facts=facts, viewer=settled.viewer, settled=settled)
        result = execute_sync(SCHEMA, prepared.document, context_value=context, variable_values=asked.variables)
        return _answer_of(result, context, kept=True, mutates=True)

    def render_with_lookup() -> Answer:
        with running.sessions() as session:
            return render(session)

    # A payment that was in the books already may have been refunded since, so it is looked up, and that takes a thread.
    # Of a new one, and of a refusal, all is known.
    return await desk.in_thread(render_with_lookup) if settled.replayed else render(NO_DATABASE)


def failure(error: Exception, facts: Facts) -> Answer:
    """The answer to a request that was not executed: the developer's mistakes, an expected failure, or a bug under its id."""
    if isinstance(error, RequestRefusedError):
        return Answer(status=error.status, body=_json({"errors": request_errors(error)}), headers=error.headers)
    log_failure(error, facts)
    if not isinstance(error, WalletError):
        return Answer(status=SERVER_ERROR, body=_json({"errors": [masked(facts)]}))
    headers: dict[str, str] = {}
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    elif isinstance(error, RateLimitedError):
        headers["Retry-After"] = str(error.retry_after_seconds)
    elif error.http_status == SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(DatabaseUnavailableError.RETRY_AFTER_SECONDS)
    return Answer(status=error.http_status, body=_json({"errors": [told(error)]}), headers=headers)


def _read(facts: Facts, content_type: str | None, body: bytes) -> Asked:
    if facts.method != "POST":
        message = "Send GraphQL requests by POST."
        raise RequestRefusedError(METHOD_NOT_ALLOWED, RequestCode.METHOD_NOT_ALLOWED, [message], {"Allow": ALLOWED_METHODS})
    if (content_type or "").partition(";")[0].strip().lower() != "application/json":
        message = "Send the request as JSON, with the header `Content-Type: application/json`."
        raise RequestRefusedError(UNSUPPORTED_MEDIA_TYPE, RequestCode.UNSUPPORTED_MEDIA_TYPE, [message])
    limit = maximum_body_bytes(facts)
    if len(body) > limit:
        raise _too_large(limit)
    asked = _asked(_json_of(body))
    if len(asked.query) > MAXIMUM_BODY_BYTES:
        raise _too_large(MAXIMUM_BODY_BYTES)
    return asked


def _check_body(body: bytes, prepared: Prepared) -> None:
    if len(body) > MAXIMUM_BODY_BYTES and not takes_large_body(prepared.operation):
        raise _too_large(MAXIMUM_BODY_BYTES)


def _too_large(limit: int) -> RequestRefusedError:
    return RequestRefusedError(CONTENT_TOO_LARGE, RequestCode.BODY_TOO_LARGE, [f"A request has at most {limit} bytes."])


def _json_of(body: bytes) -> object:
    try:
        given: object = json.loads(body.decode(), parse_constant=_refuse_constant)
        # Half a surrogate pair is no text that could be stored or compared; JSON lets one be written as \ud800.
        json.dumps(given, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise _bad_request("The body is not JSON in UTF-8.") from None
    return given


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")  # though Python reads it


def _asked(given: object) -> Asked:
    if not isinstance(given, dict):
        raise _bad_request('Send one JSON object, such as {"query": "{ viewer { user { username } } }"}; there is no batching.')
    query, variables, name = given.get("query"), given.get("variables"), given.get("operationName")
    if not isinstance(query, str):
        raise _bad_request("`query` is missing, or is not text.")
    if not isinstance(variables, dict | None):
        raise _bad_request("`variables` is not an object.")
    if not isinstance(name, str | None):
        raise _bad_request("`operationName` is not text.")
    return Asked(query, variables or {}, name)


def _bad_request(message: str) -> RequestRefusedError:
    return RequestRefusedError(BAD_REQUEST, RequestCode.BAD_REQUEST, [message])


@cache
def _documents(*, open_schema: bool) -> Documents:
    return Documents(SCHEMA, open_schema=open_schema)


def _check_operation(prepared: Prepared, asked: Asked, *, open_schema: bool) -> None:
    if asked.operation_name not in (None, "", prepared.name):
        raise _bad_request("`operationName` is not the name of the operation in the query.")
    definitions = prepared.operation.variable_definitions or ()
    values = get_variable_values(
        SCHEMA, definitions, asked.variables, max_errors=MAXIMUM_ERRORS_SHOWN, hide_suggestions=not open_schema,
    )
    if isinstance(values, list):
        raise RequestRefusedError(BAD_REQUEST, RequestCode.INVALID_VARIABLES, values)


def _execute(prepared: Prepared, asked: Asked, facts: Facts, running: Wave) -> Answer:
    def work(session: Session) -> tuple[ExecutionResult, Context]:
        viewer = viewer_of(session, facts, running.settings)
        context = Context(session=session, settings=running.settings, facts=facts, viewer=viewer)
        result = execute_sync(SCHEMA, prepared.document, context_value=context, variable_values=asked.variables)
        _raise_from_database(result)
        if context.refused or (prepared.mutates and result.errors):
            raise UndoneError(result, context)
        return result, context

    try:
        return _answer_of(*transact(running.sessions, work), kept=True, mutates=prepared.mutates)
    except UndoneError as undone:
        return _answer_of(*undone.outcome, kept=False, mutates=prepared.mutates)


def belongs_in_payload(error: Exception) -> bool:
    """Whether a failure of a mutation is data for the person, and not the request's own, the server's, or a bug."""
    return isinstance(error, WalletError) and not isinstance(error, UnauthenticatedError) and error.http_status < SERVER_ERROR


def _raise_from_database(result: ExecutionResult) -> None:
    """The database's own failures end the transaction: `transact` tries again, or tells whose fault it is."""
    for error in result.errors or ():
        if isinstance(error.original_error, SQLAlchemyError):
            raise error.original_error


def _answer_of(result: ExecutionResult, context: Context, *, kept: bool, mutates: bool) -> Answer:
    errors = [execution_error(error, context.facts) for error in result.errors or ()]
    # What a mutation that was rolled back could still show would not be so.
    data = None if mutates and errors else result.data
    failed = data is None and any(error["extensions"]["code"] == RequestCode.INTERNAL for error in errors)
    cookies: tuple[dict[str, Any], ...] = ()
    if kept and context.login_token is not None:
        settings = context.settings
        lifetime = settings.login_lifetime_seconds if context.login_token else 0
        cookies = (login_cookie(context.login_token, secure=settings.secure_cookies, lifetime_seconds=lifetime),)
    return Answer(
        status=SERVER_ERROR if failed else OK,
        body=_json({"data": data, "errors": errors} if errors else {"data": data}),
        cookies=cookies,
        username=context.viewer.username if context.viewer else None,
    )


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
