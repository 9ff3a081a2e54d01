"""The program: `create_app` wires everything together and holds no rules."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import Flask, Response, g, jsonify, request
from flask_cors import CORS

from app.database import make_engine, make_sessions
from app.errors import DatabaseUnavailableError
from app.http import Pace, Wave, check_request, facts_of_request, hardened, readiness, record_request, transport_security, wave
from app.http.asking import EXTENSION_NAME
from app.logs import log_as_json
from app.settings import Settings, load_settings

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

__all__ = ["create_app"]


def create_app(settings: Settings | None = None) -> Flask:
    """The Flask application: pages, GraphQL, health, and the operator's commands.

    Args:
        settings: by default those of the environment and `.env`.

    Raises: SettingError naming the setting that cannot be used, so a wrong one stops the start.
    """
    # Here, so that a part of the core can be imported without the edges.
    from app import api, commands, web

    settings = settings or load_settings()
    log_as_json()
    sessions = make_sessions(make_engine(settings.database_url, pool_size=settings.database_pool_size))
    app = Flask(__name__, template_folder="web/templates", static_folder="web/static")
    app.extensions[EXTENSION_NAME] = Wave(settings, sessions, Pace(scale=settings.throttle_scale))
    # Before any route: a request that another site sent, or for another host, is refused whatever it was for.
    app.before_request(_begin_request)
    app.after_request(_finish_request)
    _add_health(app)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(web.blueprint)

    @app.errorhandler(Exception)
    def fail(error: Exception) -> Response:
        """Every failure, expected or not, in the shape of the edge that was asked."""
        return api.failure_response(error) if request.path == "/graphql" else web.failure_response(error)

    commands.add_commands(app, settings=settings, sessions=sessions, schema_text=api.schema_text)
    CORS(app, resources={"/graphql": {"origins": list(settings.cors_origins)}}, methods=["POST"],
         allow_headers=["Authorization", "Content-Type"], supports_credentials=False, max_age=3600)
    return app


def _begin_request() -> None:
    g.began_seconds = time.monotonic()
    check_request(facts_of_request(), wave().settings)


def _finish_request(response: Response) -> Response:
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


def _add_health(app: Flask) -> None:
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
