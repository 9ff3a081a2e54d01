"""Owns the two health checks: liveness of the process, and readiness to serve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import jsonify
from sqlalchemy.exc import SQLAlchemyError

from app import schema_version
from app.database import transact
from app.errors import ConflictRetryError, DatabaseUnavailableError, SettingError
from app.http.runtime import runtime
from app.ledger import check_currency

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue
    from sqlalchemy.orm import Session

    from app.http.runtime import Runtime
    from app.money import Currency


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether this release can serve, and if not, the reason without internal details."""

    ready: bool
    release: str
    reason: str | None = None
    migration: str | None = None


def add_health(app: Flask) -> None:
    """Add the routes of both health checks."""
    # ast-grep-ignore: route-without-login - monitoring has no login, and it shows no personal data
    @app.get("/healthz")
    def healthz() -> ResponseReturnValue:
        """Liveness: answers without asking the database."""
        return jsonify(status="alive", release=runtime().settings.release_id)

    # ast-grep-ignore: route-without-login - monitoring has no login, and it shows no personal data
    @app.get("/readyz")
    def readyz() -> ResponseReturnValue:
        """Readiness: whether this process can serve requests."""
        found = readiness(runtime())
        if found.ready:
            return jsonify(found)
        return jsonify(found), DatabaseUnavailableError.http_status, {"Retry-After": str(DatabaseUnavailableError.RETRY_AFTER_SECONDS)}


def readiness(runtime: Runtime) -> Readiness:
    """Check that the database answers and has all migrations of this release."""
    release = runtime.settings.release_id
    try:
        found, fault = transact(runtime.sessions, lambda session: _found(session, runtime.settings.currency))
    except (SQLAlchemyError, DatabaseUnavailableError, ConflictRetryError):
        return Readiness(ready=False, release=release, reason="the database does not answer")
    return Readiness(ready=fault is None, release=release, reason=fault, migration=found)


def _found(session: Session, currency: Currency) -> tuple[str | None, str | None]:
    """The database's migration, and the reason why this release cannot use it, or None."""
    found = schema_version.current(session.connection())
    if not schema_version.is_compatible(found):
        return found, f"the database is at migration {found}, this release needs {schema_version.head()}: run `flask db upgrade`"
    try:
        check_currency(session, currency)
    except SettingError as error:
        return found, str(error)
    return found, None
