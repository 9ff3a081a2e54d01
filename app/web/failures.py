"""Owns what a person sees when a request fails outside a form: an error page, or the login form. Never asks the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask import g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from app.errors import DatabaseUnavailableError, RateLimitedError, UnauthenticatedError, WalletError
from app.http import AuditEvent, current_request_context, error_id_of, log_failure, refused_event
from app.web.answers import Page, rendered, see, signed_out
from app.web.routes import AUDIT_ACTIONS
from app.web.safe_redirect import path_to_return_to

if TYPE_CHECKING:
    from flask import Response

    from app.http import RequestContext


@dataclass(frozen=True, slots=True)
class Wording:
    """What an error page says: what happened, and what to do next."""

    title: str
    sentence: str


WORDINGS: Final = {
    400: Wording("That did not arrive in one piece", "Go back, check what you entered, and send it again."),
    403: Wording("This is not allowed", "Open the wallet's own page and try again from there."),
    404: Wording("There is nothing here", "The address may be mistyped, or what was here is gone."),
    405: Wording("This page works differently", "It cannot be opened that way. Start again from the home page."),
    413: Wording("That was too much to send", "Shorten what you entered, or split the file, and send it again."),
    415: Wording("That is not what a form sends", "Open the page and send its form."),
    421: Wording("This is another address", "Open the wallet under its own name."),
    429: Wording("Wait a moment", "Wait a little and try again."),
    500: Wording("Something went wrong on our side", "It was not your doing, and it is written down. Try again in a moment."),
    503: Wording("The wallet is catching its breath", "Try again in a moment."),
}
BAD_REQUEST: Final = 400
TOO_LARGE: Final = 413
BUG: Final = 500
BUSY: Final = 503
# The request itself was right, so the same form may be sent again.
TO_SEND_AGAIN: Final = frozenset({RateLimitedError.http_status, BUSY})


def failure_response(error: Exception) -> Response:
    """The response to a request that failed: a page that says what to do next, or a redirect to the login form.

    The details are only in the log.
    """
    request_context = current_request_context()
    action = AUDIT_ACTIONS.get(request.endpoint or "")
    if isinstance(error, HTTPException) and (error.code or BUG) < BUG:
        g.audit_event = AuditEvent(action=action, result=error.name)
        return _http_failure(error)
    log_failure(error, request_context)
    g.audit_event = refused_event(error, action) if isinstance(error, WalletError) else AuditEvent(action=action, result="INTERNAL")
    if isinstance(error, UnauthenticatedError):
        return _way_to_log_in(request_context)
    if not isinstance(error, WalletError):
        return _error_page(BUG, None, error_id=error_id_of(request_context))
    response = _error_page(error.http_status, error.user_message)
    if isinstance(error, RateLimitedError):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    elif error.http_status == BUSY:
        response.headers["Retry-After"] = str(DatabaseUnavailableError.RETRY_AFTER_SECONDS)
    return response


def _http_failure(error: HTTPException) -> Response:
    code = error.code if error.code in WORDINGS else BAD_REQUEST
    limit = request.max_content_length
    sentence = f"{WORDINGS[TOO_LARGE].sentence} This page takes {limit // 1024:,} KB at most." if code == TOO_LARGE and limit else None
    response = _error_page(code, sentence)
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


def _way_to_log_in(request_context: RequestContext) -> Response:
    response = see("login_form", next=path_to_return_to())
    # The cookie is of no more use, so the browser should not go on sending it.
    return signed_out(response) if request_context.login_token else response


def _error_page(status: int, sentence: str | None, *, error_id: str | None = None) -> Response:
    wording = WORDINGS.get(status, WORDINGS[BAD_REQUEST])
    values = {
        "title": wording.title,
        "sentence": sentence or wording.sentence,
        "error_id": error_id,
        "to_send_again": _payment_to_send_again() if status in TO_SEND_AGAIN else {},
    }
    g.is_failure = True
    return rendered(Page("failure.html", values, status))


def _payment_to_send_again() -> dict[str, str]:
    """The inputs of a payment's form. Its key makes it safe to send the form again, so the page offers that."""
    if request.method == "POST" and "idempotency_key" in request.form:
        return dict(request.form.items())
    return {}
