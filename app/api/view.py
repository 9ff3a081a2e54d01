"""Owns POST /graphql under Flask: from its request to `answer`, and from the answer to its response. Holds no rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException

from app.api.answer import answer, failure
from app.api.failures import SERVER_ERROR, RequestCode, RequestRefusedError
from app.api.requests import maximum_body_bytes
from app.http import current_request_context, runtime

if TYPE_CHECKING:
    from app.api.answer import ApiResponse

# Every method comes here, so that a wrong one is refused in the API's own shape.
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

blueprint = Blueprint("api", __name__)


# ast-grep-ignore: route-without-login - the API asks who it is field by field; tests/api/test_access.py
@blueprint.route("/graphql", methods=METHODS)
def graphql() -> Response:
    """Answer a GraphQL request."""
    request_context = current_request_context()
    body = request.stream.read(maximum_body_bytes(request_context) + 1)
    return _response(answer(request_context, content_type=request.content_type, body=body, runtime=runtime()))


def failure_response(error: Exception) -> Response:
    """The answer to a request to /graphql that failed outside the view, in the API's own shape; for the app's error handlers."""
    if isinstance(error, HTTPException) and (error.code or SERVER_ERROR) < SERVER_ERROR:
        code = {405: RequestCode.METHOD_NOT_ALLOWED, 413: RequestCode.BODY_TOO_LARGE}.get(error.code or 0, RequestCode.BAD_REQUEST)
        allowed = getattr(error, "valid_methods", None)
        headers = {"Allow": ", ".join(sorted(allowed))} if allowed else {}
        error = RequestRefusedError(error.code or SERVER_ERROR, code, [error.description or error.name], headers)
    return _response(failure(error, current_request_context()))


def _response(made: ApiResponse) -> Response:
    g.username, g.audit_event = made.username, made.audit_event
    mimetype = "application/json" if made.body else None
    response = Response(made.body, status=made.status, headers=dict(made.headers), mimetype=mimetype)
    for cookie in made.cookies:
        response.set_cookie(**cookie)
    return response
