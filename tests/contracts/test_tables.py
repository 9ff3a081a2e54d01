"""The migrations, the models and schema/tables.sql describe the same tables."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import NullPool, create_engine

from app.commands.tables import tables_text
from app.models import Base

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conftest import Database

TABLES = Path(__file__).parents[2] / "schema" / "tables.sql"
SCHEMAS = ("ledger", None)  # None is public


def _is_ours(name: str | None, kind: str, _parents: Mapping[str, str | None]) -> bool:
    return name in SCHEMAS if kind == "schema" else name != "alembic_version"


def test_the_tables_file_is_what_pg_dump_prints(database: Database) -> None:
    found = tables_text(database.owner_url)
    kept = TABLES.read_text(encoding="utf-8")
    difference = "\n".join(difflib.unified_diff(kept.splitlines(), found.splitlines(), "schema/tables.sql", "the database", lineterm=""))
    assert found == kept, f"run `flask schema export --tables > schema/tables.sql`\n{difference}"


def test_models_and_migrations_agree(database: Database) -> None:
    """In tables, columns, types, nullability, keys, uniqueness and indexes, names included.

    Not compared, as Alembic cannot or the models do not say it: CHECK constraints, triggers, functions and privileges (all in
    schema/tables.sql), and defaults, which are the database's: a model says at most that there is one.
    """
    engine = create_engine(database.owner_url, poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_schemas": True, "include_name": _is_ours},
        )
        assert compare_metadata(context, Base.metadata) == []


@pytest.mark.parametrize("change", [
    "ALTER TABLE ledger.entries ADD COLUMN extra text",
    "ALTER TABLE users ALTER COLUMN display_name DROP NOT NULL",
    "ALTER TABLE ledger.accounts ALTER COLUMN balance TYPE numeric",
    "ALTER TABLE users DROP CONSTRAINT username_is_taken",
    "ALTER TABLE logins DROP CONSTRAINT logins_user_id_fkey",
    "DROP INDEX ledger.refunds_of_a_payment",
    "CREATE TABLE ledger.shadow (id bigint PRIMARY KEY)",
])
def test_the_comparison_finds_differences(database: Database, change: str) -> None:
    database.execute(change, role="payment_system_owner")
    with pytest.raises(AssertionError):
        test_models_and_migrations_agree(database)
    with pytest.raises(AssertionError):
        test_the_tables_file_is_what_pg_dump_prints(database)
