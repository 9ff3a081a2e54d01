"""The program: `create_app` wires everything together and holds no rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask, Response

    from app.settings import Settings

__all__ = ["create_app"]


def create_app(settings: Settings | None = None) -> Flask:
    """The Flask application: pages, GraphQL, health, and the operator's commands.

    Args:
        settings: by default those of the environment and `.env`.

    Raises: SettingError naming the setting that cannot be used, so a wrong one stops the start.
    """
    # Here, so that a part of the core can be imported without the edges; and the settings first, so that a wrong one is told at once.
    from app.settings import load_settings

    settings = settings or load_settings()

    from flask import Flask, request
    from flask_cors import CORS

    from app import api, commands, web
    from app.database import make_engine, make_sessions
    from app.http import Pace, Wave, add_health, add_request_hooks
    from app.http.asking import EXTENSION_NAME
    from app.logs import log_as_json

    log_as_json()
    sessions = make_sessions(make_engine(settings.database_url, pool_size=settings.database_pool_size))
    app = Flask(__name__, template_folder="web/templates", static_folder="web/static")
    app.extensions[EXTENSION_NAME] = Wave(settings, sessions, Pace(scale=settings.throttle_scale))
    add_request_hooks(app)
    add_health(app)
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
