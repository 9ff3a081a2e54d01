"""Many at once on real PostgreSQL with real threads: no total is ever wrong, nothing is paid twice, nobody goes below zero."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, Event
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.errors import InsufficientFundsError, RefundTooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.ledger import Posting
    from tests.conftest import Database
    from tests.ledger.conftest import Book

BANK_CLIENTS, BANK_ACCOUNTS, BANK_SECONDS = 20, 8, 30
ROUNDS = 50


def at_once(count: int, action: Callable[[int], Posting]) -> list[Posting | Exception]:
    """What `count` threads get from the action when all of them start it at the same moment."""
    gate = Barrier(count)

    def act(number: int) -> Posting | Exception:
        gate.wait()
        try:
            return action(number)
        except Exception as error:  # noqa: BLE001 - each outcome is looked at by the test
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(act, range(count)))


class Bank:
    """Clients who pay each other at random, and a reader of the total, until it is over."""

    def __init__(self, book: Book) -> None:
        self.book, self.over = book, Event()
        self.accounts = [book.wallet(10_000) for _ in range(BANK_ACCOUNTS)]

    def client(self, seed: int) -> int:
        """Pay until it is over; returns how often. Raises whatever should not reach a client."""
        chance, paid = random.Random(seed), 0  # noqa: S311 - reproducible, not secret
        while not self.over.is_set():
            source, destination = chance.sample(self.accounts, 2)
            with suppress(InsufficientFundsError):
                self.book.move(source, destination, chance.randint(1, 4_000))
                paid += 1
        return paid

    def reader(self) -> list[tuple[int, bool]]:
        """Read until it is over; each time the total, and whether anybody is below zero."""
        seen, query = [], text("SELECT sum(balance)::bigint, bool_or(balance < 0) FROM ledger.accounts WHERE kind = 'wallet'")
        while not self.over.is_set():
            with self.book.sessions.begin() as session:
                row = session.execute(query).one()
            seen.append((row[0], row[1]))
        return seen


@pytest.mark.load
def test_the_bank_20_clients_on_8_accounts_for_30_seconds(book: Book, database: Database) -> None:
    bank = Bank(book)
    with ThreadPoolExecutor(BANK_CLIENTS + 1) as pool:
        reading = pool.submit(bank.reader)
        paying = [pool.submit(bank.client, seed) for seed in range(BANK_CLIENTS)]
        try:
            bank.over.wait(BANK_SECONDS)
        finally:
            bank.over.set()
    paid, seen = sum(each.result() for each in paying), reading.result()
    assert set(seen) == {(BANK_ACCOUNTS * 10_000, False)}
    assert (len(seen) > 100, paid > 1_000) == (True, True), (len(seen), paid)
    assert database.execute("SELECT count(*) FROM ledger.transfers WHERE kind = 'payment'") == [(paid,)]
    assert database.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]
    assert book.broken() == []


def test_of_50_simultaneous_payments_of_a_whole_balance_exactly_one_succeeds(book: Book) -> None:
    for _ in range(ROUNDS):
        alice, bob = book.wallet(500), book.wallet(0)
        outcomes = at_once(50, lambda _: book.move(alice, bob, 500))  # noqa: B023 - called within the round
        refused = [each for each in outcomes if isinstance(each, InsufficientFundsError)]
        assert (len(outcomes), len(refused)) == (50, 49)
        assert (book.balance(alice), book.balance(bob)) == (0, 500)
    assert book.broken() == []


def test_20_simultaneous_requests_with_one_id_are_one_payment_and_20_equal_answers(book: Book) -> None:
    for _ in range(ROUNDS):
        alice, bob, key = book.wallet(500), book.wallet(0), uuid4()
        outcomes = at_once(20, lambda _: book.move(alice, bob, 300, key=key))  # noqa: B023 - as above
        answers = [each for each in outcomes if not isinstance(each, Exception)]
        assert len(answers) == 20
        assert len({(each.transfer_id, each.source_balance, each.created_at, each.source_number) for each in answers}) == 1
        assert sum(not each.replayed for each in answers) == 1
        assert (book.balance(alice), book.balance(bob)) == (200, 300)


def test_one_id_at_once_between_different_people_pays_one_of_them(book: Book) -> None:
    for _ in range(10):
        pairs = [(book.wallet(100), book.wallet(0)) for _ in range(8)]
        key = uuid4()
        outcomes = at_once(8, lambda number: book.move(*pairs[number], 100, key=key))  # noqa: B023 - as above
        assert sum(not isinstance(each, Exception) for each in outcomes) == 1
        assert sum(book.balance(payee) for _, payee in pairs) == 100


def test_simultaneous_refunds_never_exceed_the_payment(book: Book) -> None:
    for _ in range(10):
        alice, shop = book.wallet(1000), book.wallet(1000)
        paid = book.move(alice, shop, 500).transfer_id
        outcomes = at_once(10, lambda _: book.give_back(paid, shop, 200))  # noqa: B023 - as above
        assert sum(isinstance(each, RefundTooLargeError) for each in outcomes) == 8
        assert book.balance(alice) == 900
    assert book.broken() == []


def test_two_who_pay_each_other_at_once_never_wait_in_a_circle(book: Book, database: Database) -> None:
    alice, bob = book.wallet(10_000), book.wallet(10_000)

    def pay_back_and_forth(number: int) -> Posting:
        source, destination = (alice, bob) if number % 2 else (bob, alice)
        for _ in range(40):
            last = book.move(source, destination, 1)
        return last

    outcomes = at_once(10, pay_back_and_forth)
    assert [each for each in outcomes if isinstance(each, Exception)] == []
    assert book.balance(alice) + book.balance(bob) == 20_000
    assert database.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]
