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
        settings: by default read from the environment and `.env`.

    Raises: SettingError for a setting that cannot be used.
    """
    # Imported here, so that the core can be imported without the edges. Settings come first, so that a wrong one is reported at once.
    from app.settings import load_settings

    settings = settings or load_settings()

    from flask import Flask, request
    from flask_cors import CORS

    from app import api, commands, web
    from app.database import make_engine, make_sessions
    from app.http import PaymentRateLimit, Runtime, add_health, add_request_hooks
    from app.http.runtime import EXTENSION_NAME
    from app.logs import configure_logging

    configure_logging()
    sessions = make_sessions(make_engine(settings.database_url, pool_size=settings.database_pool_size))
    app = Flask(__name__, template_folder="web/templates", static_folder="web/static")
    app.extensions[EXTENSION_NAME] = Runtime(settings, sessions, PaymentRateLimit(scale=settings.throttle_scale))
    add_request_hooks(app)
    add_health(app)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(web.blueprint)

    @app.errorhandler(Exception)
    def fail(error: Exception) -> Response:
        """Turn any failure into a response of the API or the pages, by the path."""
        return api.failure_response(error) if request.path == "/graphql" else web.failure_response(error)

    commands.add_commands(app, settings=settings, sessions=sessions, schema_text=api.schema_text)
    CORS(app, resources={"/graphql": {"origins": list(settings.cors_origins)}}, methods=["POST"],
         allow_headers=["Authorization", "Content-Type"], supports_credentials=False, max_age=3600)
    return app
