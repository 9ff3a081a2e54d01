"""Owns the way from a request to its answer, as plain values: Flask and the event loop call it, and the same rules hold for both."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol

from sqlalchemy.orm import Session

from app.api.asked import ALLOWED_METHODS, check_body, read_request
from app.api.compiled import ENCODE
from app.api.context import Context
from app.api.documents import Documents
from app.api.executing import Operation, execute, execute_seen, execute_settled, operation_of
from app.api.failures import RequestCode, RequestRefusedError, execution_errors, masked, request_errors, told
from app.api.limits import MAXIMUM_BODY_BYTES
from app.api.schema import SCHEMA
from app.api.short_way import order_of
from app.api.wallet_question import question_of
from app.database import transact
from app.errors import DatabaseUnavailableError, RateLimitedError, UnauthenticatedError, WalletError
from app.http import Deed, Facts, Wave, deed_refused, log_failure, login_cookie
from app.payments import Settled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from app.api.executing import Executed
    from app.payments import Order, Question, Seen

OK: Final = 200
NO_CONTENT: Final = 204
SERVER_ERROR: Final = 500
SERVICE_UNAVAILABLE: Final = 503

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
    deed: Deed | None = None
    """What was done or refused, for the log."""


class Desk(Protocol):
    """What an entry on an event loop gives, so that the loop goes on meanwhile."""

    async def settle(self, order: Order) -> Settled:
        """Post a payment together with the others that wait."""

    async def see(self, question: Question) -> Seen | None:
        """Look a wallet up together with the others that are asked for; None when there is a reason not to, which `read` tells."""

    async def read(self, work: Callable[[Wave], Answer]) -> Answer:
        """Run what only reads, and computes little, giving way whenever it waits for the database."""

    async def in_thread(self, work: Callable[[], Answer]) -> Answer:
        """Run what changes something, or computes for long, elsewhere."""


def answer(facts: Facts, *, content_type: str | None, body: bytes, running: Wave) -> Answer:
    """The answer to a request to /graphql, whatever was sent. Never raises.

    Args:
        body: as sent; of a longer one, at least `maximum_body_bytes` + 1.
    """
    try:
        if facts.method == "OPTIONS":
            return Answer(status=NO_CONTENT, body=b"", headers={"Allow": ALLOWED_METHODS})
        asked = read_request(facts, content_type, body)
        open_schema = running.settings.environment == "development"
        prepared = _documents(open_schema=open_schema).prepare(asked.query)
        check_body(body, prepared)
        return _answer_of(execute(operation_of(prepared, asked, open_schema=open_schema), facts, running))
    except Exception as error:  # noqa: BLE001 - the last line of defence: whatever it is, nothing internal leaves the server
        return failure(error, facts)


async def answer_soon(facts: Facts, *, content_type: str | None, body: bytes, running: Wave, desk: Desk) -> Answer:
    """As `answer`, for an entry that must not stand still: payments go together, and what is known to compute for long elsewhere.

    Never raises.
    """
    try:
        # A large body is read in a thread too: the loop would stand still meanwhile.
        if facts.method == "POST" and len(body) <= MAXIMUM_BODY_BYTES:
            asked = read_request(facts, content_type, body)
            open_schema = running.settings.environment == "development"
            prepared = _documents(open_schema=open_schema).kept(asked.query)
            if prepared and prepared.compiled and not prepared.mutates:
                operation = operation_of(prepared, asked, open_schema=open_schema)
                question = question_of(prepared.payments_node, operation.variables, facts) if prepared.payments_node else None
                seen = await desk.see(question) if question else None
                if seen:
                    return _answer_of(execute_seen(operation, _context(facts, running, viewer=seen.viewer, seen=seen)))
                return await desk.read(lambda running: _answer_of(execute(operation, facts, running)))
            if prepared and prepared.short_way and prepared.is_named(asked.operation_name):
                order = order_of(prepared.short_way, asked.variables, facts, running.settings.currency)
                if order:
                    return await _settle(order, Operation(prepared, asked.variables, {}, open_schema), facts, running, desk)
    except Exception as error:  # noqa: BLE001 - as in `answer`
        return failure(error, facts)
    return await desk.in_thread(lambda: answer(facts, content_type=content_type, body=body, running=running))


async def _settle(order: Order, operation: Operation, facts: Facts, running: Wave, desk: Desk) -> Answer:
    try:
        running.pace.admit(order.token_digest)
        settled = await desk.settle(order)
    except RateLimitedError as too_fast:
        settled = Settled(failure=too_fast)
    if settled.failure and not belongs_in_payload(settled.failure):
        return failure(settled.failure, facts)

    def render(session: Session) -> Answer:
        return _answer_of(execute_settled(operation, _context(facts, running, session, viewer=settled.viewer, settled=settled)))

    # A payment that was in the books already may have been refunded since, so it is looked up.
    # Of a new one, and of a refusal, all is known.
    return await desk.read(lambda running: transact(running.sessions, render)) if settled.replayed else render(NO_DATABASE)


def _context(facts: Facts, running: Wave, session: Session = NO_DATABASE, **known: Any) -> Context:  # noqa: ANN401 - as Context has them
    return Context(session=session, settings=running.settings, facts=facts, pace=running.pace, **known)


def failure(error: Exception, facts: Facts) -> Answer:
    """The answer to a request that was not executed: the developer's mistakes, an expected failure, or a bug under its id."""
    if isinstance(error, RequestRefusedError):
        deed = Deed(action=None, result=error.code)
        return Answer(status=error.status, body=_json({"errors": request_errors(error)}), headers=error.headers, deed=deed)
    log_failure(error, facts)
    if not isinstance(error, WalletError):
        deed = Deed(action=None, result=RequestCode.INTERNAL)
        return Answer(status=SERVER_ERROR, body=_json({"errors": [masked(facts)]}), deed=deed)
    headers: dict[str, str] = {}
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    elif isinstance(error, RateLimitedError):
        headers["Retry-After"] = str(error.retry_after_seconds)
    elif error.http_status == SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(DatabaseUnavailableError.RETRY_AFTER_SECONDS)
    return Answer(status=error.http_status, body=_json({"errors": [told(error)]}), headers=headers, deed=deed_refused(error))


@cache
def _documents(*, open_schema: bool) -> Documents:
    return Documents(SCHEMA, open_schema=open_schema)


def belongs_in_payload(error: Exception) -> bool:
    """Whether a failure of a mutation is data for the person, and not the request's own, the server's, or a bug."""
    return isinstance(error, WalletError) and not isinstance(error, UnauthenticatedError) and error.http_status < SERVER_ERROR


def _answer_of(executed: Executed) -> Answer:
    context = executed.context
    errors = execution_errors(executed.errors, context.facts)
    failed = executed.data is None and any(error["extensions"]["code"] == RequestCode.INTERNAL for error in errors)
    cookies: tuple[dict[str, Any], ...] = ()
    if executed.kept and context.login_token is not None:
        settings = context.settings
        lifetime = settings.login_lifetime_seconds if context.login_token else 0
        cookies = (login_cookie(context.login_token, secure=settings.secure_cookies, lifetime_seconds=lifetime),)
    told_errors = f',"errors":{ENCODE(errors)}' if errors else ""
    deed, wait = context.deed, context.retry_after_seconds
    if errors:
        deed = Deed(action=deed.action if deed else None, result=errors[0]["extensions"]["code"])
    return Answer(
        status=SERVER_ERROR if failed else RateLimitedError.http_status if wait else OK,
        body=f'{{"data":{executed.data or "null"}{told_errors}}}'.encode(),
        headers={"Retry-After": str(wait)} if wait else {},
        cookies=cookies,
        username=context.viewer.username if context.viewer else None,
        deed=deed,
    )


def _json(body: dict[str, Any]) -> bytes:
    return ENCODE(body).encode()
