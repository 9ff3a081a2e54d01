"""Owns which migrations a database has had, and whether this release works with it. Needs no Alembic, which only an upgrade loads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from app import ledger_functions

if TYPE_CHECKING:
    from sqlalchemy import Connection

MIGRATIONS_FOLDER: Final = Path(__file__).parent.parent / "schema" / "migrations"


def head() -> str:
    """The number of the newest migration of this release, which its file's name begins with."""
    numbers = [path.name.partition("_")[0] for path in MIGRATIONS_FOLDER.glob("[0-9]*.py")]
    if not numbers:
        raise RuntimeError(f"no migrations in {MIGRATIONS_FOLDER}")
    return max(numbers)


def current(connection: Connection) -> str | None:
    """The number of the newest migration that this database has had; None before the first."""
    if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return None
    number: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return number


def is_behind(connection: Connection) -> bool:
    """Whether an upgrade has something to do. At this release's own number, that is where the functions of the ledger differ."""
    found = current(connection)
    return not serves(found) or (found == head() and ledger_functions.differ(connection))


def serves(found: str | None) -> bool:
    """Whether this release works with a database at migration `found`: at its head, or beyond it after a newer release was here.

    A release only adds what the one before can live with, so going back needs no migration.
    """
    return found is not None and found >= head()
