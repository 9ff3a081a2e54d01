"""An upgrade runs the missing migrations in one transaction, and the database stores its version."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event, Semaphore
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg2
import pytest
from alembic.runtime.migration import MigrationContext
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from app import ledger, migrations, schema_version
from app.database import transact
from app.money import Currency, Money

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy.orm import Session

    from app.database import Sessions
    from app.ledger import Posting
    from tests.conftest import Database

GBP = Currency.named("GBP")
CUSTOMERS = 4


@pytest.fixture
def empty(database: Database) -> Database:
    database.execute("DROP SCHEMA ledger CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION payment_system_owner; "
                     "GRANT USAGE ON SCHEMA public TO PUBLIC")
    return database


def test_an_empty_database_is_brought_to_the_head_once(empty: Database) -> None:
    assert migrations.upgrade(empty.owner_url)[-2:] == [schema_version.head(), "ledger"]
    assert migrations.upgrade(empty.owner_url) == []


def test_the_version_of_the_database_is_known_before_and_after(empty: Database) -> None:
    engine = create_engine(empty.owner_url, poolclass=NullPool)
    with engine.connect() as connection:
        assert schema_version.current(connection) is None
    migrations.upgrade(empty.owner_url)
    with engine.connect() as connection:
        assert schema_version.current(connection) == MigrationContext.configure(connection).get_current_revision() == schema_version.head()


def test_two_upgrades_at_once_run_one_after_the_other(empty: Database) -> None:
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(migrations.upgrade, [empty.owner_url] * 2))
    assert min(map(len, done)) == 0
    assert schema_version.head() in done[0] + done[1]


def test_a_migration_that_fails_leaves_nothing(empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "0001_half.py").write_text(
        "from alembic import op\nrevision = '0001'\ndown_revision = None\n"
        "def upgrade():\n    op.execute('CREATE TABLE half (id int)')\n    op.execute('SELECT 1 / 0')\n")
    monkeypatch.setattr(migrations, "MIGRATIONS_FOLDER", tmp_path)
    with pytest.raises(Exception, match="division by zero"):
        migrations.upgrade(empty.owner_url)
    assert empty.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_a_migration_does_not_wait_for_a_long_transaction(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT_SECONDS", 0.1)
    holder = psycopg2.connect(empty.superuser_url.replace("+psycopg2", ""))
    with holder.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock({migrations.MIGRATION_LOCK})")
        with pytest.raises(OperationalError, match="lock timeout"):
            migrations.upgrade(empty.owner_url)
    holder.close()


@pytest.fixture
def brought_to(empty: Database, tmp_path: Path) -> Callable[[str], None]:
    """Runs the migrations up to this number, as an older release did."""
    def bring(number: str) -> None:
        folder = tmp_path / number
        shutil.copytree(schema_version.MIGRATIONS_FOLDER, folder)
        for path in folder.glob("*.py"):
            if path.name[:4] > number:
                path.unlink()
        with pytest.MonkeyPatch.context() as before:
            before.setattr(migrations, "MIGRATIONS_FOLDER", folder)
            assert migrations.upgrade(empty.owner_url)[-1] == number

    return bring


def wallet(sessions: Sessions) -> int:
    """An account with 1000.00 and no person: the current program reads columns of people that older schemas lack."""
    def open_one(session: Session) -> int:
        account, issuance = ledger.open_account(session, GBP), ledger.issuance_account(session, GBP)
        ledger.post(session, transfer_id=uuid4(), kind="issue", source=issuance, destination=account, amount=Money(1000_00, GBP), memo=None)
        return account

    return transact(sessions, open_one)


def pay(sessions: Sessions, source: int, destination: int) -> Posting:
    def look_up_and_post(session: Session) -> Posting:
        # Every payment takes this lock, and the upgrade of the functions waits for it.
        session.execute(text("SELECT username FROM users"))
        return ledger.post(
            session, transfer_id=uuid4(), kind="payment", source=source, destination=destination, amount=Money(1, GBP), memo=None)

    return transact(sessions, look_up_and_post)


@pytest.mark.parametrize("before", ["0003", "0004", "0006", "0007"])
def test_payments_go_on_while_the_ledgers_functions_are_replaced(
    empty: Database, brought_to: Callable[[str], None], sessions: Sessions, before: str
) -> None:
    """All pay one shop, so most payments wait inside the old function when it is replaced."""
    brought_to(before)
    shop, customers = wallet(sessions), [wallet(sessions) for _ in range(CUSTOMERS)]
    over, paid = Event(), Semaphore(0)

    def pay_on_and_on(customer: int) -> int:
        count = 0
        while not over.is_set():
            pay(sessions, customer, shop)
            count += 1
            paid.release()
        return count

    with ThreadPoolExecutor(CUSTOMERS) as pool:
        paying = [pool.submit(pay_on_and_on, each) for each in customers]
        try:
            for done in ("before", "after"):
                assert all(paid.acquire(timeout=10) for _ in range(100)), [each.exception() for each in paying if each.done()]
                if done == "before":
                    assert migrations.upgrade(empty.owner_url)[0] > before
        finally:
            over.set()
    total = sum(each.result() for each in paying)
    assert empty.execute("SELECT count(*) FROM ledger.transfers WHERE kind = 'payment'") == [(total,)]
    assert transact(sessions, ledger.verify) == []


def test_old_books_with_times_that_go_back_are_migrated_and_new_times_go_forward(
    empty: Database, brought_to: Callable[[str], None], sessions: Sessions
) -> None:
    """Old entries cannot be changed, so `verify` accepts them; date filters find them as before."""
    brought_to("0004")
    alice, bob = wallet(sessions), wallet(sessions)

    def shift(payment: Posting, interval: str) -> None:
        for table, column in (("transfers", "id"), ("entries", "transfer_id")):
            changed = f"UPDATE ledger.{table} SET created_at = created_at + interval '{interval}'"
            empty.execute(f"SET session_replication_role = replica; {changed} WHERE {column} = '{payment.transfer_id}'")

    ahead = pay(sessions, alice, bob)
    shift(ahead, "1 hour")
    pay(sessions, alice, bob)
    migrations.upgrade(empty.owner_url)
    assert transact(sessions, ledger.verify) == []
    assert pay(sessions, alice, bob).created_at < ahead.created_at + timedelta(hours=1)  # follows the last entry, which was not ahead
    back = pay(sessions, alice, bob)
    assert transact(sessions, ledger.verify) == []
    shift(back, "-1 minute")
    assert {each.invariant for each in transact(sessions, ledger.verify)} == {"time goes forward along the entries of an account"}


def test_a_release_without_migrations_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_version, "MIGRATIONS_FOLDER", tmp_path)
    with pytest.raises(RuntimeError, match="no migrations"):
        schema_version.head()
