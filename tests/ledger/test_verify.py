"""`ledger verify` finds tampering that no constraint could stop, because a superuser switched them all off."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from app import ledger
from app.database import transact
from app.ledger.books import BREAKS_SHOWN_PER_INVARIANT, INVARIANTS

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conftest import Database
    from tests.ledger.conftest import Book


class Scene(NamedTuple):
    """A ledger with a bit of everything; the shop's entries are 1 to 4."""

    alice: int
    shop: int
    payment: UUID
    refund: UUID


@pytest.fixture
def scene(book: Book) -> Scene:
    alice, shop = book.wallet(1000), book.wallet(0)
    payment = book.move(alice, shop, 300).transfer_id
    refund = book.give_back(payment, shop, 100).transfer_id
    book.move(alice, shop, 50)
    book.move(alice, shop, 20)
    assert book.broken() == []
    return Scene(alice, shop, payment, refund)


SUM_ZERO = "the balances of each currency sum to zero"
SUM_OF_ENTRIES = "every balance equals the sum of its account's entries"
LAST_BALANCE = "every balance equals the balance after its account's last entry"
RUNNING_BALANCE = "every entry's balance after it follows from the entry before it"
NUMBERS = "the entries of an account are numbered 1 to its entry count"
TWO_ENTRIES = "every transfer has two entries, equal and opposite, on its source and destination"
STRAY_ENTRY = "every entry belongs to a transfer that names it"
CURRENCY = "every transfer is between two accounts of one currency"
ISSUANCE = "money enters and leaves through issuance alone"
BELOW_ZERO = "no wallet is below zero"
TIME = "time goes forward along the entries of an account"
REFUNDS = "refunds go back the way of their payment and never exceed it"

TAMPERING = [
    ("a balance raised", "UPDATE ledger.accounts SET balance = balance + 1 WHERE id = {alice}", {SUM_ZERO, SUM_OF_ENTRIES, LAST_BALANCE}),
    ("money moved between balances", ("UPDATE ledger.accounts SET balance = balance + CASE id WHEN {alice} THEN 7 ELSE -7 END "
     "WHERE id IN ({alice}, {shop})"), {SUM_OF_ENTRIES, LAST_BALANCE}),
    ("an entry's amount changed", "UPDATE ledger.entries SET amount = amount + 1 WHERE account_id = {shop} AND number = 3",
     {SUM_OF_ENTRIES, RUNNING_BALANCE, TWO_ENTRIES}),
    ("an entry's balance changed", "UPDATE ledger.entries SET balance_after = 0 WHERE account_id = {shop} AND number = 2",
     {RUNNING_BALANCE}),
    ("an entry in the middle deleted", "DELETE FROM ledger.entries WHERE account_id = {shop} AND number = 2",
     {SUM_OF_ENTRIES, RUNNING_BALANCE, NUMBERS, TWO_ENTRIES}),
    ("the last entry deleted", "DELETE FROM ledger.entries WHERE account_id = {shop} AND number = 4",
     {SUM_OF_ENTRIES, LAST_BALANCE, NUMBERS, TWO_ENTRIES}),
    ("an entry added", "INSERT INTO ledger.entries VALUES ({alice}, 6, '{payment}', 5, 735, now())",
     {SUM_OF_ENTRIES, NUMBERS, STRAY_ENTRY}),
    ("an entry count changed", "UPDATE ledger.accounts SET entry_count = entry_count + 1 WHERE id = {shop}", {LAST_BALANCE, NUMBERS}),
    ("an entry moved to another account", ("UPDATE ledger.entries SET account_id = {alice}, number = 6 "
     "WHERE account_id = {shop} AND number = 4"), None),
    ("an entry of an account that does not exist", "INSERT INTO ledger.entries VALUES (999, 1, '{payment}', 5, 5, now())",
     {NUMBERS, STRAY_ENTRY}),
    ("an entry dated back", "UPDATE ledger.entries SET created_at = '2001-01-01' WHERE account_id = {shop} AND number = 1", {TWO_ENTRIES}),
    ("a transfer dated back with its entries", (
        "UPDATE ledger.entries SET created_at = '2001-01-01' WHERE transfer_id = '{payment}'; "
        "UPDATE ledger.transfers SET created_at = '2001-01-01' WHERE id = '{payment}'"), {TIME}),
    ("the moment of an account's last entry changed", (
        "UPDATE ledger.accounts SET last_entry_at = last_entry_at - interval '1 second' WHERE id = {alice}"), {TIME}),
    ("an account as if it had never had an entry", "UPDATE ledger.accounts SET last_entry_at = NULL WHERE id = {shop}", {TIME}),
    ("a transfer deleted", "DELETE FROM ledger.transfers WHERE id = '{refund}'", {STRAY_ENTRY}),
    ("a transfer's amount changed", "UPDATE ledger.transfers SET amount = 1 WHERE id = '{payment}'", {TWO_ENTRIES, REFUNDS}),
    ("a transfer turned round", "UPDATE ledger.transfers SET source = destination, destination = source WHERE id = '{payment}'", None),
    ("a payment called an issue", "UPDATE ledger.transfers SET kind = 'issue' WHERE id = '{payment}'", {ISSUANCE, REFUNDS}),
    ("a refund made larger than its payment", "UPDATE ledger.transfers SET amount = 301 WHERE id = '{refund}'", {TWO_ENTRIES, REFUNDS}),
    ("a refund's payment changed", "UPDATE ledger.transfers SET refund_of = gen_random_uuid() WHERE id = '{refund}'", {REFUNDS}),
    ("an account's currency changed", "UPDATE ledger.accounts SET currency = 'EUR' WHERE id = {alice}", {SUM_ZERO, CURRENCY}),
    ("a wallet below zero", ("ALTER TABLE ledger.accounts DROP CONSTRAINT only_issuance_is_below_zero; "
     "UPDATE ledger.accounts SET balance = -1 WHERE id = {alice}"), {SUM_ZERO, SUM_OF_ENTRIES, LAST_BALANCE, BELOW_ZERO}),
    ("an account deleted", "DELETE FROM ledger.accounts WHERE id = {alice}", None),
]


@pytest.mark.parametrize(("what", "statement", "found"), TAMPERING, ids=[each[0] for each in TAMPERING])
def test_verify_finds(scene: Scene, book: Book, database: Database, what: str, statement: str, found: set[str] | None) -> None:
    database.execute("SET session_replication_role = replica; " + statement.format(**scene._asdict()))
    broken = set(book.broken())
    assert broken, what
    if found is not None:
        assert broken == found


def test_each_invariant_is_broken_by_some_tampering() -> None:
    covered = {sentence for _, _, found in TAMPERING for sentence in found or set()}
    assert covered == {invariant.sentence for invariant in INVARIANTS}


def test_a_break_says_where_it_is_and_a_flood_of_them_is_cut(scene: Scene, book: Book, database: Database) -> None:
    for _ in range(BREAKS_SHOWN_PER_INVARIANT):
        book.move(scene.alice, scene.shop, 1)
    database.execute("SET session_replication_role = replica; "
                     f"UPDATE ledger.entries SET balance_after = 5 WHERE account_id = {scene.shop} AND number = 1")
    assert transact(book.sessions, ledger.verify) == [
        ledger.Break(RUNNING_BALANCE, f"account {scene.shop}, entry 1"), ledger.Break(RUNNING_BALANCE, f"account {scene.shop}, entry 2"),
    ]
    database.execute("SET session_replication_role = replica; UPDATE ledger.entries SET balance_after = -5")
    assert len([each for each in book.broken() if each == RUNNING_BALANCE]) == BREAKS_SHOWN_PER_INVARIANT
