"""The database gets its shape in one transaction, once, and says which shape it has."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg2
import pytest
from sqlalchemy.exc import OperationalError

from app import migrations, payments
from app.database import transact
from app.money import Currency, Money

if TYPE_CHECKING:
    from pathlib import Path

    from app.database import Sessions
    from app.identity import Viewer
    from tests.conftest import Database

GBP = Currency.named("GBP")
CUSTOMERS = 4


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


def test_payments_go_on_while_the_ledgers_functions_are_replaced(
    empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sessions: Sessions, viewer: Any
) -> None:
    """The one shop has most of them waiting within the old function when its successor comes."""
    with monkeypatch.context() as before:
        folder = shutil.copytree(migrations.MIGRATIONS_FOLDER, tmp_path / "migrations", ignore=shutil.ignore_patterns("0004*"))
        before.setattr(migrations, "MIGRATIONS_FOLDER", folder)
        assert migrations.upgrade(empty.owner_url)[-1] == "0003"
    viewer("shop")
    customers = [viewer(f"person-{place}") for place in range(CUSTOMERS)]
    over, paid = Event(), Semaphore(0)

    def pay_on_and_on(customer: Viewer) -> int:
        count = 0
        while not over.is_set():
            transact(sessions, lambda session: payments.pay(
                session, customer, idempotency_key=uuid4(), to="shop", amount=Money(1, GBP), memo=None))
            count += 1
            paid.release()
        return count

    with ThreadPoolExecutor(CUSTOMERS) as pool:
        paying = [pool.submit(pay_on_and_on, each) for each in customers]
        try:
            for done in ("before", "after"):
                assert all(paid.acquire(timeout=10) for _ in range(100)), [each.exception() for each in paying if each.done()]
                if done == "before":
                    assert migrations.upgrade(empty.owner_url)[0] == "0004"
        finally:
            over.set()
    total = sum(each.result() for each in paying)
    assert empty.execute("SELECT count(*) FROM ledger.transfers WHERE kind = 'payment'") == [(total,)]


def test_a_release_without_migrations_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "MIGRATIONS_FOLDER", tmp_path)
    with pytest.raises(RuntimeError, match="no migrations"):
        migrations.head()
