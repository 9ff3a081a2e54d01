"""Owns Flask's request hooks, which run before and after every request of the pages and the API."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import g, request

from app.http.authentication import current_request_context
from app.http.guard import check_request, hsts_header, security_headers
from app.http.request_log import record_request
from app.http.runtime import runtime

if TYPE_CHECKING:
    from flask import Flask, Response


def add_request_hooks(app: Flask) -> None:
    """Check every request before its route. Add security headers to every response, and log the request."""
    app.before_request(_begin)
    app.after_request(_finish)


def _begin() -> None:
    # Before any route: a request from another site or for another host is refused, whatever its path.
    g.began_seconds = time.monotonic()
    check_request(current_request_context(), runtime().settings)


def _finish(response: Response) -> Response:
    request_context = current_request_context()
    is_static = request.endpoint == "static"
    response.headers.extend(security_headers(private=not is_static, hsts=hsts_header(runtime().settings)))
    response.headers["X-Request-Id"] = request_context.request_id
    if not is_static:
        began_seconds = g.get("began_seconds", time.monotonic())
        record_request(
            request_context, status=response.status_code, username=g.get("username"), began_seconds=began_seconds,
            audit_event=g.get("audit_event"),
        )
    return response
