"""Owns the two health questions: whether the process is alive, and whether it can do its work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import jsonify
from sqlalchemy.exc import SQLAlchemyError

from app import schema_version
from app.database import transact
from app.errors import ConflictRetryError, DatabaseUnavailableError, SettingError
from app.http.asking import wave
from app.ledger import check_currency

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue
    from sqlalchemy.orm import Session

    from app.http.asking import Wave
    from app.money import Currency


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether this release can serve, and if not, why, without anything internal."""

    ready: bool
    release: str
    reason: str | None = None
    migration: str | None = None


def add_health(app: Flask) -> None:
    """Answer both questions at addresses of their own."""
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


def readiness(running: Wave) -> Readiness:
    """Ask the database whether it is there and has had every migration that this release needs."""
    release = running.settings.release_id
    try:
        found, fault = transact(running.sessions, lambda session: _found(session, running.settings.currency))
    except (SQLAlchemyError, DatabaseUnavailableError, ConflictRetryError):
        return Readiness(ready=False, release=release, reason="the database does not answer")
    return Readiness(ready=fault is None, release=release, reason=fault, migration=found)


def _found(session: Session, currency: Currency) -> tuple[str | None, str | None]:
    """The database's migration, and what keeps this release from serving it, if anything."""
    found = schema_version.current(session.connection())
    if not schema_version.serves(found):
        return found, f"the database is at migration {found}, this release needs {schema_version.head()}: run `flask db upgrade`"
    try:
        check_currency(session, currency)
    except SettingError as error:
        return found, str(error)
    return found, None
