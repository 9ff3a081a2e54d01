"""Owns what happens with every request, whichever edge it is for: a first check, headers, a line in the log; and tells the health."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import Flask, Response, g, jsonify, request

from app.errors import DatabaseUnavailableError
from app.http.asking import facts_of_request, wave
from app.http.guard import check_request, hardened, transport_security
from app.http.health import readiness
from app.http.record import record_request

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


def attend_requests(app: Flask) -> None:
    """Have this application check, harden and record every request, and tell its health. Before any route of the edges is added."""
    app.before_request(_begin)
    app.after_request(_finish)

    # ast-grep-ignore: route-without-login - whoever watches the host has no login; it tells nothing of anybody
    @app.get("/healthz")
    def healthz() -> ResponseReturnValue:
        """Whether the process is alive; asks nothing of anyone else."""
        return jsonify(status="alive", release=wave().settings.release_id)

    # ast-grep-ignore: route-without-login - whoever watches the host has no login; it tells nothing of anybody
    @app.get("/readyz")
    def readyz() -> ResponseReturnValue:
        """Whether requests may be sent here."""
        found = readiness(wave())
        if found.ready:
            return jsonify(found)
        return jsonify(found), DatabaseUnavailableError.http_status, {"Retry-After": str(DatabaseUnavailableError.RETRY_AFTER_SECONDS)}


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
