"""Owns the schema version: which migrations a database has, and whether this release works with it. Does not load Alembic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from app import ledger_functions

if TYPE_CHECKING:
    from sqlalchemy import Connection

MIGRATIONS_FOLDER: Final = Path(__file__).parent.parent / "schema" / "migrations"


def head() -> str:
    """The number of the newest migration of this release, from the name of its file."""
    numbers = [path.name.partition("_")[0] for path in MIGRATIONS_FOLDER.glob("[0-9]*.py")]
    if not numbers:
        raise RuntimeError(f"no migrations in {MIGRATIONS_FOLDER}")
    return max(numbers)


def current(connection: Connection) -> str | None:
    """The number of the newest migration in this database; None before the first."""
    if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return None
    number: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return number


def is_behind(connection: Connection) -> bool:
    """Whether an upgrade has something to do: a migration is missing, or the ledger's functions differ."""
    found = current(connection)
    return not is_compatible(found) or (found == head() and ledger_functions.differ(connection))


def is_compatible(found: str | None) -> bool:
    """Whether this release works with migration `found`: its newest, or a later one, since each is compatible with the release before."""
    return found is not None and found >= head()
