"""Owns running the migrations: Alembic, configured in code, with the numbered files of `schema/migrations`.

Forward only: a release expands the schema, a later one contracts it. So a rollback to the previous release needs no migration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from alembic import op
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from app import ledger_functions
from app.database import run_as_written, sqlstate
from app.errors import SettingError
from app.schema_version import MIGRATIONS_FOLDER, current, head

if TYPE_CHECKING:
    from collections.abc import Callable

    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import Connection

# A migration that gets no lock within this time fails, and its caller tries again. If it waited behind a long transaction, every
# payment would wait behind the migration.
LOCK_TIMEOUT_SECONDS: Final = 2
# Two upgrades at the same time run one after the other. The number is any constant for PostgreSQL's advisory lock.
MIGRATION_LOCK: Final = 727_001
# What to do about the errors of a database that was not made for the wallet, by SQLSTATE.
CURES: Final = {
    "42704": 'This PostgreSQL lacks a role that the tables are for. Make both as README.md says under "On a database of your own".',
    "42501": "This role may not make the tables. Set DATABASE_OWNER_URL to the database's address as the role that owns it; "
             'README.md says under "On a database of your own" how to make both.',
}


def run_sql(name: str) -> None:
    """Run a file of `schema/migrations/sql` without changes, within the migration that calls it."""
    run_as_written(op.get_bind(), (MIGRATIONS_FOLDER / "sql" / f"{name}.sql").read_text(encoding="utf-8"))


def upgrade(owner_url: str) -> list[str]:
    """Run the missing migrations and install changed ledger functions, in one transaction.

    Args:
        owner_url: the database URL of the owner's role.

    Returns: the numbers of the migrations that ran, oldest first, and `ledger` for the functions; empty if nothing was to do.

    Raises: SettingError if the database lacks a role or a privilege. Nothing is changed then.
    """
    script = _script()
    done: list[str] = []

    def steps(revision: tuple[str, ...], _context: MigrationContext) -> Any:  # noqa: ANN401 - Alembic's step type is private
        found = script._upgrade_revs("head", revision)  # type: ignore[arg-type] # noqa: SLF001 - what alembic.command.upgrade calls
        done.extend(step.revision.revision for step in found)
        return found

    engine = create_engine(owner_url, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": MIGRATION_LOCK})
            _run(script, connection, steps)
            # If the database is ahead of this release, a newer release has installed functions that work with this one.
            if current(connection) == head() and ledger_functions.differ(connection):
                ledger_functions.replace(connection)
                done.append(ledger_functions.NAME)
    except DBAPIError as error:
        cure = CURES.get(sqlstate(error) or "")
        if cure is None:
            raise
        raise SettingError(cure) from error
    return done


def _run(script: ScriptDirectory, connection: Connection, steps: Callable[..., Any]) -> None:
    environment = EnvironmentContext(Config(), script, fn=steps)
    with environment:
        environment.configure(connection=connection, transaction_per_migration=False)
        environment.run_migrations()


def _script() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS_FOLDER), version_locations=[str(MIGRATIONS_FOLDER)])
