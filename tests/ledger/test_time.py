"""Time goes forward along the entries of an account, whatever the host's clock does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app import ledger
from app.database import transact
from tests.ledger.conftest import GBP, wish

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from tests.conftest import Database
    from tests.ledger.conftest import Book

    Way = Callable[[Book, int, int], None]

# As if all this had been posted while the clock was ahead; it has been set back since. As a superuser, for nobody else may.
WAS_AHEAD = """SET session_replication_role = replica;
    UPDATE ledger.transfers SET created_at = created_at + interval '1 hour';
    UPDATE ledger.entries SET created_at = created_at + interval '1 hour';
    UPDATE ledger.accounts SET last_entry_at = last_entry_at + interval '1 hour'"""
# As migration 0005 finds an account.
FROM_BEFORE = "UPDATE ledger.accounts SET last_entry_at = NULL, ordered_from = NULL"


def alone(book: Book, source: int, destination: int) -> None:
    book.move(source, destination, 10)


def together(book: Book, source: int, destination: int) -> None:
    book.move_many([wish(source, destination, 5), wish(source, destination, 5)])


WAYS = pytest.mark.parametrize("way", [alone, together])


def moments(database: Database, account: int) -> list[datetime]:
    return [moment for (moment,) in database.execute(f"SELECT created_at FROM ledger.entries WHERE account_id = {account} ORDER BY number")]


@WAYS
def test_while_the_clock_is_behind_the_last_entry_new_ones_have_its_moment(book: Book, database: Database, way: Way) -> None:
    alice, bob, carol = book.wallet(1000), book.wallet(), book.wallet(1000)
    book.move(alice, bob, 1)
    database.execute(WAS_AHEAD)
    before = moments(database, alice)
    way(book, alice, bob)
    way(book, carol, bob)  # the latest of both accounts
    dave = book.wallet()
    way(book, bob, dave)
    assert set(moments(database, alice)[2:]) == {before[-1]}
    assert set(moments(database, bob)) == {before[-1]}
    assert set(moments(database, carol)[1:]) == set(moments(database, dave)) == {before[-1]}
    assert book.broken() == []


@WAYS
def test_when_the_clock_has_come_to_it_time_goes_on(book: Book, database: Database, way: Way) -> None:
    alice, bob = book.wallet(1000), book.wallet()
    way(book, alice, bob)
    way(book, alice, bob)
    seen = moments(database, bob)
    ((now,),) = database.execute("SELECT clock_timestamp()")
    assert seen == sorted(seen)
    assert seen[0] < seen[-1] < now


@WAYS
def test_an_account_from_before_keeps_its_time_from_its_last_entry_on(book: Book, database: Database, way: Way) -> None:
    alice, bob = book.wallet(1000), book.wallet()
    book.move(alice, bob, 1)
    database.execute(WAS_AHEAD)
    database.execute(FROM_BEFORE)
    before = moments(database, alice)
    way(book, alice, bob)
    assert set(moments(database, alice)[2:]) == {before[-1]}
    since = database.execute(f"SELECT id, ordered_from FROM ledger.accounts WHERE id IN ({alice}, {bob}) ORDER BY id")
    assert since == [(alice, 3), (bob, 2)]
    assert book.broken() == []


def test_a_refund_is_never_before_what_was_there(book: Book, database: Database) -> None:
    alice, shop = book.wallet(1000), book.wallet()
    paid = book.move(alice, shop, 300).transfer_id
    database.execute(WAS_AHEAD)
    before = moments(database, alice)
    book.give_back(paid, shop)
    assert moments(database, alice)[-1] == before[-1]


def test_issue_and_redeem_follow_the_same_rule(book: Book, database: Database) -> None:
    alice = book.wallet(1000)
    database.execute(WAS_AHEAD)
    before = moments(database, alice)
    bob = book.wallet(500)  # by issue, from the account that is ahead
    issuance = transact(book.sessions, lambda session: ledger.issuance_account(session, GBP))
    assert moments(database, bob) == [before[-1]]
    assert set(moments(database, issuance)) == {before[-1]}
    assert book.broken() == []


def test_what_went_back_before_the_rule_is_no_break_and_whatever_does_so_since_is(book: Book, database: Database) -> None:
    alice, bob = book.wallet(1000), book.wallet()
    first, second = (book.move(alice, bob, 1).transfer_id for _ in range(2))

    def dated(transfer: UUID, year: int) -> None:
        for table, column in (("transfers", "id"), ("entries", "transfer_id")):
            database.execute("SET session_replication_role = replica; "
                             f"UPDATE ledger.{table} SET created_at = '{year}-01-01' WHERE {column} = '{transfer}'")

    database.execute(FROM_BEFORE)
    dated(second, 2020)
    assert book.broken() == []
    third, _ = (book.move(alice, bob, 1).transfer_id for _ in range(2))
    dated(first, 2021)  # older than the rule, too
    dated(third, 2020)  # as old as the one before it
    assert book.broken() == []
    dated(third, 2019)
    assert set(book.broken()) == {"time goes forward along the entries of an account"}


def test_a_moment_finds_every_entry_of_its_period_after_the_clock_was_set_back(book: Book, database: Database) -> None:
    alice, bob = book.wallet(1000), book.wallet()
    book.move(alice, bob, 1)
    database.execute(WAS_AHEAD)
    for _ in range(5):
        alone(book, alice, bob)
    ((behind,),) = database.execute("SELECT count(*) FROM ledger.entries WHERE created_at < now()")
    ((found,),) = database.execute(f"SELECT ledger.entry_number_at({bob}, now() + interval '2 hours')", role="payment_system")
    assert (behind, found) == (0, 6)
    (last, *_) = moments(database, bob)
    assert database.execute(f"SELECT ledger.entry_number_at({bob}, '{last.isoformat()}')", role="payment_system") == [(6,)]
    assert database.execute(f"SELECT ledger.entry_number_at({bob}, now())", role="payment_system") == [(0,)]
