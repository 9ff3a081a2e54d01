"""Owns how the database gets its shape: Alembic, configured here in code, over the numbered files of `schema/migrations`.

Forward only: a release expands, a later one contracts, and going back to the release before needs no migration.
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

# A migration that cannot have its lock within this gives up and is tried again by whoever started it: queueing behind a long
# transaction would stop every payment behind the migration.
LOCK_TIMEOUT_SECONDS: Final = 2
# Two deployments at once take turns; the number is only a name that PostgreSQL's advisory locks ask for.
MIGRATION_LOCK: Final = 727_001
# What PostgreSQL refuses in a database that was not made for us, by its code, and the cure.
CURES: Final = {
    "42704": 'This PostgreSQL lacks a role that the tables are for. Make both as README.md says under "On a database of your own".',
    "42501": "This role may not make the tables. Set DATABASE_OWNER_URL to the database's address as the role that owns it; "
             'README.md says under "On a database of your own" how to make both.',
}


def run_sql(name: str) -> None:
    """Run a file of `schema/migrations/sql` as it stands, within the migration that calls it."""
    run_as_written(op.get_bind(), (MIGRATIONS_FOLDER / "sql" / f"{name}.sql").read_text(encoding="utf-8"))


def upgrade(owner_url: str) -> list[str]:
    """Bring the database to the newest migration and to the ledger's functions as written, in one transaction: all of it or nothing.

    Args:
        owner_url: the database's address as the role that owns it.

    Returns: the numbers of the migrations that ran, oldest first, and `ledger` for its functions; empty when there was nothing to do.

    Raises: SettingError when the database was not made for us: a role or a right is missing. Nothing was changed then.
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
            # Beyond the head a newer release was here, whose functions this one works with.
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
