"""Owns the two health questions: whether the process is alive, and whether it can do its work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app import migrations
from app.database import transact
from app.errors import ConflictRetryError, DatabaseUnavailableError
from app.models import Account

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.http.asking import Wave


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether this release can serve, and if not, why, without anything internal."""

    ready: bool
    release: str
    reason: str | None = None
    migration: str | None = None


def readiness(running: Wave) -> Readiness:
    """Ask the database whether it is there and has had every migration that this release needs."""
    release = running.settings.release_id
    try:
        found, currency = transact(running.sessions, _migration_and_currency)
    except (SQLAlchemyError, DatabaseUnavailableError, ConflictRetryError):
        return Readiness(ready=False, release=release, reason="the database does not answer")
    if not migrations.serves(found):
        reason = f"the database is at migration {found}, this release needs {migrations.head()}: run `flask db upgrade`"
        return Readiness(ready=False, release=release, reason=reason, migration=found)
    if currency not in (None, running.settings.currency.code):
        reason = f"the books are in {currency}, but PAYMENT_SYSTEM_CURRENCY is {running.settings.currency.code}: set it to {currency}"
        return Readiness(ready=False, release=release, reason=reason, migration=found)
    return Readiness(ready=True, release=release, migration=found)


def _migration_and_currency(session: Session) -> tuple[str | None, str | None]:
    """The database's migration, and the currency that it began with; None while there is no account, or it is not known how to ask."""
    found = migrations.current(session.connection())
    return found, session.scalar(select(Account.currency).order_by(Account.id).limit(1)) if migrations.serves(found) else None
