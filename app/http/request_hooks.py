"""Owns the request hooks: what happens before and after every request, whichever edge it is for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import g, request

from app.http.asking import facts_of_request, wave
from app.http.guard import check_request, hardened, transport_security
from app.http.record import record_request

if TYPE_CHECKING:
    from flask import Flask, Response


def add_request_hooks(app: Flask) -> None:
    """Have this application check every request before its route, and harden and record each answer."""
    app.before_request(_begin)
    app.after_request(_finish)


def _begin() -> None:
    # Before any route: a request that another site sent, or for another host, is refused whatever it was for.
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
