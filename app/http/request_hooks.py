"""Owns Flask's request hooks, which run before and after every request of the pages and the API."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import g, request

from app.http.authentication import facts_of_request
from app.http.guard import check_request, hardened, transport_security
from app.http.request_log import record_request
from app.http.runtime import wave

if TYPE_CHECKING:
    from flask import Flask, Response


def add_request_hooks(app: Flask) -> None:
    """Check every request before its route. Add security headers to every response, and log the request."""
    app.before_request(_begin)
    app.after_request(_finish)


def _begin() -> None:
    # Before any route: a request from another site or for another host is refused, whatever its path.
    g.began_seconds = time.monotonic()
    check_request(facts_of_request(), wave().settings)


def _finish(response: Response) -> Response:
    facts = facts_of_request()
    is_static = request.endpoint == "static"
    response.headers.extend(hardened(private=not is_static, hsts=transport_security(wave().settings)))
    response.headers["X-Request-Id"] = facts.request_id
    if not is_static:
        began_seconds = g.get("began_seconds", time.monotonic())
        record_request(
            facts, status=response.status_code, username=g.get("username"), began_seconds=began_seconds, deed=g.get("deed"),
        )
    return response
