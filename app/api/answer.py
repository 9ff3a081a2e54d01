"""Owns the way from a request to its answer, as plain values: Flask and the event loop call it, and the same rules hold for both."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from app.api.calls import DirectCalls, RequestFailedError
from app.api.executing import execute
from app.api.failures import BAD_REQUEST, SERVER_ERROR, RequestCode, RequestRefusedError, execution_errors, masked, request_errors, told
from app.api.limits import MAXIMUM_BODY_BYTES
from app.api.requests import ALLOWED_METHODS, check_body, read_request
from app.api.schema import engine_in
from app.errors import DatabaseUnavailableError, RateLimitedError, UnauthenticatedError, WalletError
from app.graphql_engine import RequestError
from app.http import AuditEvent, RequestContext, Runtime, log_failure, login_cookie, refused_event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from app.api.calls import Calls
    from app.api.executing import Executed
    from app.graphql_engine import PreparedDocument

OK: Final = 200
NO_CONTENT: Final = 204
SERVICE_UNAVAILABLE: Final = 503

# A document has one mutation.
SENT_ON_EVENT_LOOP: Final = "sendPayment"

DIRECT_CALLS: Final = DirectCalls()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiResponse:
    """What goes back, whatever carries it."""

    status: int
    body: bytes
    """JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[dict[str, Any], ...] = ()
    """Each as `login_cookie` makes it."""
    username: str | None = None
    """Who asked, for the log."""
    audit_event: AuditEvent | None = None
    """What was done or refused, for the log."""


class Loop(Protocol):
    """What an entry on an event loop gives, so that the loop goes on meanwhile."""

    async def run(self, work: Callable[[Runtime, Calls], ApiResponse]) -> ApiResponse:
        """Run what computes little on the loop, which goes on with others whenever it waits."""

    async def in_thread(self, work: Callable[[], ApiResponse]) -> ApiResponse:
        """Run what changes much, or computes for long, elsewhere."""


def answer(request_context: RequestContext, *, content_type: str | None, body: bytes, runtime: Runtime) -> ApiResponse:
    """The answer to a request to /graphql, whatever was sent. Never raises.

    Args:
        body: as sent; of a longer one, at least `maximum_body_bytes` + 1.
    """
    try:
        if request_context.method == "OPTIONS":
            return ApiResponse(status=NO_CONTENT, body=b"", headers={"Allow": ALLOWED_METHODS})
        request = read_request(request_context, content_type, body)
        engine = engine_in(runtime.settings.environment)
        prepared = engine.prepare(request.query)
        check_body(body, prepared)
        operation = engine.operation(prepared, request.variables, request.operation_name)
        return _answer_of(execute(engine, operation, request_context, runtime, DIRECT_CALLS))
    except Exception as error:  # noqa: BLE001 - the last line of defence: whatever it is, nothing internal leaves the server
        return failure(error, request_context)


async def answer_async(
    request_context: RequestContext, *, content_type: str | None, body: bytes, runtime: Runtime, loop: Loop,
) -> ApiResponse:
    """As `answer`, for an entry that must not stand still: what is known to compute little runs on its event loop, all else elsewhere.

    Never raises.
    """
    try:
        # A large body is read in a thread too: the loop would stand still meanwhile.
        if request_context.method == "POST" and len(body) <= MAXIMUM_BODY_BYTES:
            request = read_request(request_context, content_type, body)
            engine = engine_in(runtime.settings.environment)
            prepared = engine.kept(request.query)
            if prepared and runs_on_event_loop(prepared):
                operation = engine.operation(prepared, request.variables, request.operation_name)
                return await loop.run(lambda runtime, calls: _answer_of(
                    execute(engine, operation, request_context, runtime, calls, identifies_first=False)))
    except Exception as error:  # noqa: BLE001 - as in `answer`
        return failure(error, request_context)
    return await loop.in_thread(lambda: answer(request_context, content_type=content_type, body=body, runtime=runtime))


def failure(error: Exception, request_context: RequestContext) -> ApiResponse:
    """The answer to a request that was not executed: the developer's mistakes, an expected failure, or a bug under its id."""
    if isinstance(error, RequestFailedError):
        error = error.failure
    elif isinstance(error, RequestError):
        error = RequestRefusedError(BAD_REQUEST, RequestCode(error.code), error.errors)
    if isinstance(error, RequestRefusedError):
        audit_event = AuditEvent(action=None, result=error.code)
        return ApiResponse(status=error.status, body=_json({"errors": request_errors(error)}).encode(), headers=error.headers,
                      audit_event=audit_event)
    log_failure(error, request_context)
    if not isinstance(error, WalletError):
        audit_event = AuditEvent(action=None, result=RequestCode.INTERNAL)
        return ApiResponse(status=SERVER_ERROR, body=_json({"errors": [masked(request_context)]}).encode(), audit_event=audit_event)
    headers: dict[str, str] = {}
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    elif isinstance(error, RateLimitedError):
        headers["Retry-After"] = str(error.retry_after_seconds)
    elif error.http_status == SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(DatabaseUnavailableError.RETRY_AFTER_SECONDS)
    return ApiResponse(status=error.http_status, body=_json({"errors": [told(error)]}).encode(), headers=headers,
                  audit_event=refused_event(error))


def runs_on_event_loop(prepared: PreparedDocument) -> bool:
    """Whether it computes little, and each statement of it is a whole: a query, or a payment, which is a single statement."""
    return prepared.execute is not None and (not prepared.is_mutation or SENT_ON_EVENT_LOOP in prepared.root_fields)


def _answer_of(executed: Executed) -> ApiResponse:
    context = executed.context
    errors = execution_errors(executed.errors, context.request_context)
    failed = executed.data is None and any(error["extensions"]["code"] == RequestCode.INTERNAL for error in errors)
    cookies: tuple[dict[str, Any], ...] = ()
    if executed.kept and context.login_token is not None:
        settings = context.settings
        lifetime = settings.login_lifetime_seconds if context.login_token else 0
        cookies = (login_cookie(context.login_token, secure=settings.secure_cookies, lifetime_seconds=lifetime),)
    told_errors = f',"errors":{_json(errors)}' if errors else ""
    audit_event, wait = context.audit_event, context.retry_after_seconds
    if errors:
        audit_event = AuditEvent(action=audit_event.action if audit_event else None, result=errors[0]["extensions"]["code"])
    return ApiResponse(
        status=SERVER_ERROR if failed else RateLimitedError.http_status if wait else OK,
        body=f'{{"data":{executed.data or "null"}{told_errors}}}'.encode(),
        headers={"Retry-After": str(wait)} if wait else {},
        cookies=cookies,
        username=context.identified_viewer.username if context.identified_viewer else None,
        audit_event=audit_event,
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
