"""The database gets its shape in one transaction, once, and says which shape it has."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psycopg2
import pytest
from sqlalchemy.exc import OperationalError

from app import migrations

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Database


@pytest.fixture
def empty(database: Database) -> Database:
    database.execute("DROP SCHEMA ledger CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION payment_system_owner; "
                     "GRANT USAGE ON SCHEMA public TO PUBLIC")
    return database


def test_an_empty_database_is_brought_to_the_head_once(empty: Database) -> None:
    assert migrations.upgrade(empty.owner_url)[-1] == migrations.head()
    assert migrations.upgrade(empty.owner_url) == []


def test_two_upgrades_at_once_take_turns(empty: Database) -> None:
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(migrations.upgrade, [empty.owner_url] * 2))
    assert min(map(len, done)) == 0
    assert migrations.head() in done[0] + done[1]


def test_a_migration_that_fails_leaves_nothing(empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "0001_half.py").write_text(
        "from alembic import op\nrevision = '0001'\ndown_revision = None\n"
        "def upgrade():\n    op.execute('CREATE TABLE half (id int)')\n    op.execute('SELECT 1 / 0')\n")
    monkeypatch.setattr(migrations, "MIGRATIONS_FOLDER", tmp_path)
    with pytest.raises(Exception, match="division by zero"):
        migrations.upgrade(empty.owner_url)
    assert empty.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_a_migration_does_not_queue_behind_a_long_transaction(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT_SECONDS", 0.1)
    holder = psycopg2.connect(empty.superuser_url.replace("+psycopg2", ""))
    with holder.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock({migrations.MIGRATION_LOCK})")
        with pytest.raises(OperationalError, match="lock timeout"):
            migrations.upgrade(empty.owner_url)
    holder.close()


def test_a_release_without_migrations_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "MIGRATIONS_FOLDER", tmp_path)
    with pytest.raises(RuntimeError, match="no migrations"):
        migrations.head()
