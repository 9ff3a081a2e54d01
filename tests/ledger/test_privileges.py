"""Nobody rewrites history: not the app's role, which may not write at all, nor the owner, whom the triggers refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg2
import pytest

if TYPE_CHECKING:
    from tests.conftest import Database
    from tests.ledger.conftest import Book

TABLES = ("accounts", "transfers", "entries")
WRITES = {
    "INSERT": "INSERT INTO ledger.{table} DEFAULT VALUES",
    "UPDATE": "UPDATE ledger.{table} SET created_at = now()",
    "DELETE": "DELETE FROM ledger.{table}",
    "TRUNCATE": "TRUNCATE ledger.{table} CASCADE",
}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("verb", WRITES)
def test_the_app_may_not_write_the_ledger(database: Database, table: str, verb: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="permission denied"):
        database.execute(WRITES[verb].format(table=table), role="payment_system")


@pytest.mark.parametrize("table", ["transfers", "entries"])
@pytest.mark.parametrize("verb", ["UPDATE", "DELETE", "TRUNCATE"])
def test_even_the_owner_may_not_change_history(database: Database, table: str, verb: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="history is never changed"):
        database.execute(WRITES[verb].format(table=table), role="payment_system_owner")


@pytest.mark.parametrize("statement", ["DELETE FROM ledger.accounts", "TRUNCATE ledger.accounts CASCADE"])
def test_even_the_owner_may_not_delete_accounts(database: Database, statement: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="history is never changed"):
        database.execute(statement, role="payment_system_owner")


@pytest.mark.parametrize("statement", [
    "SET ROLE payment_system_owner",
    "ALTER TABLE ledger.entries DISABLE TRIGGER ALL",
    "SET session_replication_role = replica",
    "CREATE TABLE ledger.mine (id int)",
    "CREATE TABLE public.mine (id int)",
    "CREATE OR REPLACE FUNCTION ledger.open_account(text) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    "DROP SCHEMA ledger CASCADE",
    "SELECT ledger.answer_again(NULL)",
])
def test_the_app_may_not_take_more_rights(database: Database, statement: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        database.execute(statement, role="payment_system")


def test_every_ledger_function_that_the_app_may_call_has_a_fixed_search_path(database: Database) -> None:
    open_ones = database.execute("""
        SELECT proname FROM pg_proc WHERE pronamespace = 'ledger'::regnamespace
        AND has_function_privilege('payment_system', oid, 'EXECUTE') AND proconfig IS DISTINCT FROM '{"search_path=ledger, pg_temp"}'""")
    assert open_ones == []


def test_a_transfer_without_its_entries_is_refused(book: Book, database: Database) -> None:
    alice, bob = book.wallet(100), book.wallet(0)
    with pytest.raises(psycopg2.errors.IntegrityConstraintViolation, match="do not sum to zero"):
        database.execute(
            f"INSERT INTO ledger.transfers VALUES ('{uuid4()}', 'payment', {alice}, {bob}, 5, NULL, NULL, 2, 1, now())",
            role="payment_system_owner",
        )


@pytest.mark.parametrize("entries", [
    "({alice}, 2, '{key}', -5, 95, now())",
    "({alice}, 2, '{key}', -5, 95, now()), ({bob}, 1, '{key}', 6, 6, now())",
    "({alice}, 2, '{key}', -5, 95, now()), ({bob}, 2, '{key}', 5, 5, now())",
    "({alice}, 2, '{key}', -5, 95, now()), ({bob}, 1, gen_random_uuid(), 5, 5, now())",
])
def test_a_transfer_whose_entries_are_not_its_own_and_opposite_is_refused(book: Book, database: Database, entries: str) -> None:
    alice, bob, key = book.wallet(100), book.wallet(0), uuid4()
    # Which of the two checks finds it first is not said.
    with pytest.raises(psycopg2.errors.IntegrityConstraintViolation, match=r"do not sum to zero|belongs to no transfer"):
        database.execute(f"""
            WITH stored AS (
                INSERT INTO ledger.transfers VALUES ('{key}', 'payment', {alice}, {bob}, 5, NULL, NULL, 2, 1, now())
            )
            INSERT INTO ledger.entries VALUES {entries.format(alice=alice, bob=bob, key=key)}
            """, role="payment_system_owner")


def test_a_third_entry_of_a_transfer_is_refused(book: Book, database: Database) -> None:
    alice, bob = book.wallet(100), book.wallet(0)
    paid = book.move(alice, bob, 5).transfer_id
    with pytest.raises(psycopg2.errors.IntegrityConstraintViolation, match="belongs to no transfer"):
        database.execute(f"INSERT INTO ledger.entries VALUES ({bob}, 2, '{paid}', 5, 10, now())", role="payment_system_owner")


@pytest.mark.parametrize("statement", [
    "SELECT ledger.post_transfer(gen_random_uuid(), 'payment', {alice}, {bob}, 0)",
    "SELECT ledger.post_transfer(gen_random_uuid(), 'payment', {alice}, {bob}, -5)",
    "SELECT ledger.post_transfer(gen_random_uuid(), 'gift', {alice}, {bob}, 5)",
    "SELECT ledger.post_transfer(gen_random_uuid(), 'payment', {alice}, {bob}, 5, '')",
    "SELECT ledger.post_transfer(gen_random_uuid(), 'payment', {alice}, {bob}, 5, repeat('x', 201))",
    "SELECT ledger.post_transfer(gen_random_uuid(), 'refund', {alice}, {bob}, 5)",
    "SELECT ledger.set_status({alice}, 'melted')",
    "SELECT ledger.open_account('pounds')",
])
def test_what_the_program_would_never_send_is_refused_and_nothing_moves(book: Book, database: Database, statement: str) -> None:
    alice, bob = book.wallet(100), book.wallet(0)
    # By the tables; an amount below zero by the function's own arithmetic before.
    with pytest.raises((psycopg2.errors.CheckViolation, psycopg2.errors.NumericValueOutOfRange)):
        database.execute(statement.format(alice=alice, bob=bob), role="payment_system")
    assert (book.balance(alice), book.balance(bob)) == (100, 0)


@pytest.mark.parametrize(("kind", "source", "destination"), [
    ("payment", "issuance", "alice"), ("payment", "alice", "issuance"), ("issue", "alice", "bob"), ("redeem", "alice", "bob"),
    ("issue", "alice", "issuance"), ("redeem", "issuance", "alice"),
])
def test_money_is_neither_made_nor_lost_under_another_name(
    book: Book, database: Database, kind: str, source: str, destination: str
) -> None:
    accounts = {"alice": book.wallet(100), "bob": book.wallet(0)}
    accounts["issuance"] = database.execute("SELECT id FROM ledger.accounts WHERE kind = 'issuance'")[0][0]
    status = database.execute(
        f"SELECT (ledger.post_transfer(gen_random_uuid(), '{kind}', {accounts[source]}, {accounts[destination]}, 5)).status",
        role="payment_system")
    assert status == [("wrong_kind",)]
    key, payer, payee = "gen_random_uuid()", accounts[source], accounts[destination]
    statuses = database.execute(f"SELECT (ledger.post_transfers(ARRAY[{key}, {key}], '{kind}', ARRAY[{payer}, {payer}], "
                                f"ARRAY[{payee}, {payee}], ARRAY[5, 6], '{{NULL,NULL}}', false)).status", role="payment_system")
    assert statuses == [("wrong_kind",), ("wrong_kind",)]
    assert book.broken() == []


@pytest.mark.parametrize("made_up", [
    "'{nothing}'",  # of a payment that there never was
    "'{paid}'",     # above what was paid
])
def test_a_refund_that_is_made_up_is_refused_at_commit(book: Book, database: Database, made_up: str) -> None:
    alice, shop = book.wallet(1000), book.wallet(1000)
    paid = book.move(alice, shop, 300).transfer_id
    of = made_up.format(nothing=uuid4(), paid=paid)
    with pytest.raises(psycopg2.errors.IntegrityConstraintViolation, match="is not of a payment, or exceeds it"):
        database.execute(f"SELECT ledger.post_transfer(gen_random_uuid(), 'refund', {shop}, {alice}, 301, NULL, {of})",
                         role="payment_system")
    with pytest.raises(psycopg2.errors.IntegrityConstraintViolation, match="is not of a payment, or exceeds it"):
        database.execute(f"SELECT ledger.post_transfer(gen_random_uuid(), 'refund', {alice}, {shop}, 1, NULL, '{paid}')",
                         role="payment_system")
    assert book.broken() == []


def test_nobodys_account_is_issuance_and_nobodys_account_changes(database: Database) -> None:
    with pytest.raises(psycopg2.errors.CheckViolation, match="is not a wallet"):
        database.execute("INSERT INTO users (username, display_name, password_hash, account_id) "
                         "SELECT 'mallory', 'Mallory', 'x', ledger.issuance_account('GBP')", role="payment_system")
    for change in ("UPDATE users SET account_id = 1", "UPDATE users SET username = 'alice'", "DELETE FROM users"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            database.execute(change, role="payment_system")


def test_a_transfer_to_the_same_account_is_no_transfer(book: Book, database: Database) -> None:
    alice = book.wallet(100)
    status = database.execute(f"SELECT (ledger.post_transfer(gen_random_uuid(), 'payment', {alice}, {alice}, 5)).status",
                              role="payment_system")
    assert status == [("unknown_account",)]
    assert book.balance(alice) == 100
