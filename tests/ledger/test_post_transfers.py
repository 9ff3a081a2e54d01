"""A group in one call does what the same transfers one by one do, whatever is in it and whatever else goes on."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings, strategies
from sqlalchemy import text
from sqlalchemy.exc import DataError

from app import ledger
from app.database import transact
from app.errors import IdempotencyKeyReusedError, InsufficientFundsError, NotAttemptedError, NotFoundError, WalletError, WalletFrozenError
from app.ledger import MAXIMUM_GROUP_ITEMS, Posting
from tests.ledger.conftest import wish

if TYPE_CHECKING:
    from tests.conftest import Database
    from tests.ledger.conftest import Book
    from tests.ledger.groups import TransferRequest

STORM_CLIENTS, STORM_SECONDS = 12, 8


def told(outcome: Posting | WalletError) -> object:
    """An outcome as two runs of the same can be compared by: all but the moment, and errors by what they say."""
    if isinstance(outcome, Posting):
        return (outcome.replayed, outcome.amount, outcome.source_balance, outcome.source_number, outcome.destination_number)
    return (type(outcome), str(outcome))


def one_by_one(book: Book, wishes: list[TransferRequest]) -> list[Posting | WalletError]:
    found: list[Posting | WalletError] = []
    for each in wishes:
        try:
            found.append(book.move(each.source, each.destination, each.amount.minor_units, key=each.transfer_id, memo=each.memo))
        except WalletError as error:
            found.append(error)
    return found


World = tuple[list[int], list[UUID]]
Item = tuple[int, int, int, int, str | None]

# Places of a few accounts and of a few ids: most batches repeat ids, run out of money and meet the frozen and the unknown.
items = strategies.tuples(
    strategies.integers(0, 5), strategies.integers(0, 5), strategies.integers(1, 60), strategies.integers(0, 9),
    strategies.sampled_from([None, "lunch"]),
)


@pytest.mark.load
@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(earlier=strategies.lists(items, max_size=3), batch=strategies.lists(items, max_size=14))
def test_a_group_answers_and_moves_what_single_transfers_do(book: Book, earlier: list[Item], batch: list[Item]) -> None:
    worlds = [_world(book), _world(book)]
    wanted = [[_wish(world, each) for each in earlier + batch] for world in worlds]
    for wishes in wanted:
        one_by_one(book, wishes[:len(earlier)])
    singles = one_by_one(book, wanted[0][len(earlier):])
    grouped = book.move_many(wanted[1][len(earlier):])
    assert [told(each) for each in grouped] == [told(each) for each in singles]
    balances = [[book.balance(account) for account in world[0][:5]] for world in worlds]
    assert balances[0] == balances[1]
    assert _history(book, worlds[0][0]) == _history(book, worlds[1][0])


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(batch=strategies.lists(items, max_size=10), payer=strategies.integers(0, 5))
def test_an_atomic_group_of_one_payer_is_as_single_transfers_or_as_nothing(book: Book, batch: list[Item], payer: int) -> None:
    worlds = [_world(book), _world(book)]
    batch = [(payer, *each[1:]) for each in batch]
    singles = one_by_one(book, [_wish(worlds[0], each) for each in batch])
    before = [book.balance(account) for account in worlds[1][0][:5]]
    grouped = book.move_many([_wish(worlds[1], each) for each in batch], atomic=True)
    if all(isinstance(each, Posting) for each in singles):
        assert [told(each) for each in grouped] == [told(each) for each in singles]
        return
    assert [book.balance(account) for account in worlds[1][0][:5]] == before
    for alone, together in zip(singles, grouped, strict=True):
        assert isinstance(together, NotAttemptedError) if isinstance(alone, Posting) else told(together) == told(alone)


def test_what_the_random_groups_did_left_the_books_clean(book: Book) -> None:
    world = _world(book)
    chance = random.Random(5)  # noqa: S311 - reproducible, not secret
    for _ in range(20):
        book.move_many([_wish(world, (chance.randrange(5), chance.randrange(5), chance.randint(1, 40), number, None))
                        for number in chance.choices(range(200), k=60)])
    assert book.broken() == []


def _world(book: Book) -> World:
    """Two with money, two without, one frozen, one that does not exist; and ten ids."""
    accounts = [book.wallet(100), book.wallet(30), book.wallet(0), book.wallet(0), book.wallet(50)]
    transact(book.sessions, lambda session: ledger.set_status(session, accounts[4], "frozen"))
    return [*accounts, 999_999_999], [uuid4() for _ in range(200)]


def _wish(world: World, item: Item) -> TransferRequest:
    source, destination, amount, key, memo = item
    return wish(world[0][source], world[0][destination], amount, key=world[1][key], memo=memo)


def _history(book: Book, accounts: list[int]) -> list[list[tuple[object, ...]]]:
    with book.sessions() as session:
        return [[tuple(row) for row in session.execute(
            text("SELECT number, amount, balance_after FROM ledger.entries WHERE account_id = :id ORDER BY number"), {"id": each})]
            for each in accounts]


def test_money_that_arrives_in_a_group_is_spent_in_it_and_only_after_it_arrived(book: Book) -> None:
    alice, bob, carol = book.wallet(100), book.wallet(0), book.wallet(0)
    too_early, there, onward = book.move_many([wish(bob, carol, 100), wish(alice, bob, 100), wish(bob, carol, 100)])
    assert isinstance(too_early, InsufficientFundsError)
    assert (too_early.balance.minor_units, too_early.shortfall.minor_units) == (0, 100)
    assert isinstance(there, Posting)
    assert isinstance(onward, Posting)
    assert [book.balance(each) for each in (alice, bob, carol)] == [0, 0, 100]
    assert book.broken() == []


def test_an_item_that_fails_does_not_touch_its_neighbours(book: Book) -> None:
    alice, bob, frozen = book.wallet(100), book.wallet(0), book.wallet(0)
    transact(book.sessions, lambda session: ledger.set_status(session, frozen, "frozen"))
    outcomes = book.move_many([wish(alice, bob, 60), wish(alice, bob, 60), wish(alice, frozen, 1), wish(alice, 999_999_999, 1),
                               wish(alice, alice, 1), wish(alice, bob, 40)])
    assert [type(each) for each in outcomes] == [
        Posting, InsufficientFundsError, WalletFrozenError, NotFoundError, NotFoundError, Posting]
    assert (book.balance(alice), book.balance(bob)) == (0, 100)


def test_an_id_repeated_in_a_group_is_replayed_if_equal_and_else_refused(book: Book) -> None:
    alice, bob, key = book.wallet(100), book.wallet(0), uuid4()
    first, again, other = book.move_many([wish(alice, bob, 10, key=key), wish(alice, bob, 10, key=key), wish(alice, bob, 11, key=key)])
    assert isinstance(first, Posting)
    assert isinstance(again, Posting)
    assert (first.replayed, again.replayed, again.source_balance.minor_units) == (False, True, 90)
    assert isinstance(other, IdempotencyKeyReusedError)
    assert book.balance(bob) == 10


def test_an_id_that_was_refused_in_a_group_may_follow_in_the_same_group(book: Book) -> None:
    alice, bob, key = book.wallet(0), book.wallet(50), uuid4()
    refused, _, paid = book.move_many([wish(alice, bob, 50, key=key), wish(bob, alice, 50), wish(alice, bob, 50, key=key)])
    assert isinstance(refused, InsufficientFundsError)
    assert isinstance(paid, Posting)
    assert not paid.replayed


def test_the_same_group_again_moves_nothing_and_answers_the_same(book: Book) -> None:
    alice, bobs = book.wallet(1000), [book.wallet(0) for _ in range(20)]
    wishes = [wish(alice, bob, 7, memo=f"no. {bob}") for bob in bobs]
    for atomic in (True, False, True):
        outcomes = book.move_many(wishes, atomic=atomic)
        assert [told(each)[2:] for each in outcomes] == [  # type: ignore[index] # postings all
            (outcomes[0].source_balance.__class__(1000 - 7 * place, outcomes[0].amount.currency_info), place + 1, 1)  # type: ignore[union-attr] # as above
            for place in range(1, 21)]
    assert book.balance(alice) == 1000 - 7 * 20


def test_half_a_group_that_is_stored_is_replayed_and_the_rest_is_posted(book: Book) -> None:
    alice, bob = book.wallet(100), book.wallet(0)
    wishes = [wish(alice, bob, 10) for _ in range(6)]
    book.move_many(wishes[:3])
    outcomes = book.move_many(wishes, atomic=True)
    assert [isinstance(each, Posting) and each.replayed for each in outcomes] == [True, True, True, False, False, False]
    assert book.balance(bob) == 60


def test_an_atomic_group_beyond_the_funds_moves_nothing_and_each_item_tells_its_state(book: Book) -> None:
    alice, bob, stored = book.wallet(100), book.wallet(0), uuid4()
    book.move(alice, bob, 10, key=stored)
    outcomes = book.move_many([wish(alice, bob, 10, key=stored), wish(alice, bob, 80), wish(alice, bob, 20)], atomic=True)
    assert [type(each) for each in outcomes] == [Posting, NotAttemptedError, InsufficientFundsError]
    assert (book.balance(alice), book.balance(bob)) == (90, 10)
    assert book.broken() == []


def test_an_empty_group_is_nothing_and_one_is_a_single_transfer(book: Book) -> None:
    alice, bob = book.wallet(100), book.wallet(0)
    assert book.move_many([], atomic=True) == []
    (outcome,) = book.move_many([wish(alice, bob, 100)], atomic=True)
    assert isinstance(outcome, Posting)
    (refused,) = book.move_many([wish(alice, bob, 1)], atomic=True)
    assert isinstance(refused, InsufficientFundsError)


def test_ten_thousand_are_a_group_and_one_more_is_refused_with_nothing_moved(book: Book) -> None:
    alice, bob = book.wallet(MAXIMUM_GROUP_ITEMS), book.wallet(0)
    wishes = [wish(alice, bob, 1) for _ in range(MAXIMUM_GROUP_ITEMS + 1)]
    with pytest.raises(DataError, match="at most 10000"):
        book.move_many(wishes)
    assert book.balance(bob) == 0
    assert all(isinstance(each, Posting) for each in book.move_many(wishes[:-1], atomic=True))
    assert (book.balance(alice), book.balance(bob)) == (0, 10_000)
    assert book.broken() == []


@pytest.mark.parametrize("arguments", [
    "ARRAY[gen_random_uuid(), gen_random_uuid()], 'payment', ARRAY[{alice}, {alice}], ARRAY[{bob}, {bob}], ARRAY[5, 0], '{{NULL,NULL}}'",
    "ARRAY[gen_random_uuid(), gen_random_uuid()], 'payment', ARRAY[{alice}, {alice}], ARRAY[{bob}, {bob}], ARRAY[5, -5], '{{NULL,NULL}}'",
    "ARRAY[gen_random_uuid(), gen_random_uuid()], 'payment', ARRAY[{alice}, {alice}], ARRAY[{bob}, {bob}], '{{5,NULL}}', '{{NULL,NULL}}'",
    "ARRAY[gen_random_uuid(), NULL], 'payment', ARRAY[{alice}, {alice}], ARRAY[{bob}, {bob}], ARRAY[5, 5], '{{NULL,NULL}}'",
    "ARRAY[gen_random_uuid(), gen_random_uuid()], 'gift', ARRAY[{alice}, {alice}], ARRAY[{bob}, {bob}], ARRAY[5, 5], '{{NULL,NULL}}'",
    "ARRAY[gen_random_uuid(), gen_random_uuid()], 'refund', ARRAY[{alice}, {alice}], ARRAY[{bob}, {bob}], ARRAY[5, 5], '{{NULL,NULL}}'",
    "ARRAY[gen_random_uuid(), gen_random_uuid()], 'payment', ARRAY[{alice}, {alice}], ARRAY[{bob}, {bob}], ARRAY[5, 5], ARRAY['a', '']",
    "ARRAY[gen_random_uuid(), gen_random_uuid()], 'payment', ARRAY[{alice}, {alice}], ARRAY[{bob}], ARRAY[5, 5], '{{NULL,NULL}}'",
    "ARRAY[gen_random_uuid(), gen_random_uuid()], 'payment', ARRAY[{alice}, {alice}], ARRAY[{bob}, {bob}], ARRAY[5, 5], NULL",
])
def test_what_the_program_would_never_send_is_refused_whole(book: Book, database: Database, arguments: str) -> None:
    alice, bob = book.wallet(100), book.wallet(0)
    with pytest.raises((psycopg2.errors.IntegrityError, psycopg2.errors.DataError)):
        database.execute(f"SELECT ledger.post_transfers({arguments.format(alice=alice, bob=bob)}, false)", role="payment_system")
    assert (book.balance(alice), book.balance(bob)) == (100, 0)


def test_groups_and_single_transfers_of_the_same_ids_at_once_pay_each_once(book: Book) -> None:
    for _ in range(20):
        alice, bob = book.wallet(1000), book.wallet(0)
        wishes = [wish(alice, bob, 10) for _ in range(30)]
        gate = Barrier(8)

        def act(number: int, wishes: list[TransferRequest] = wishes, gate: Barrier = gate) -> list[Posting | WalletError]:
            mine = random.Random(number).sample(wishes, 30)  # noqa: S311 - reproducible, not secret
            gate.wait()
            return book.move_many(mine, atomic=number == 0) if number % 2 else one_by_one(book, mine)

        with ThreadPoolExecutor(8) as pool:
            outcomes = [each for found in pool.map(act, range(8)) for each in found]
        assert all(isinstance(each, Posting) for each in outcomes)
        assert sum(isinstance(each, Posting) and not each.replayed for each in outcomes) == 30
        assert (book.balance(alice), book.balance(bob)) == (700, 300)
    assert book.broken() == []


def test_one_id_at_once_in_groups_of_different_people_pays_one_and_the_other_items_go_on(book: Book, database: Database) -> None:
    for _ in range(20):
        keys = [uuid4() for _ in range(12)]
        pairs = [(book.wallet(1000), book.wallet(0)) for _ in range(6)]
        gate = Barrier(6)

        def act(
            number: int, keys: list[UUID] = keys, pairs: list[tuple[int, int]] = pairs, gate: Barrier = gate
        ) -> list[Posting | WalletError]:
            shared = [wish(*pairs[number], 10, key=key) for key in random.Random(number).sample(keys, 12)]  # noqa: S311 - as above
            gate.wait()
            return book.move_many([*shared, wish(*pairs[number], 1)])

        with ThreadPoolExecutor(6) as pool:
            outcomes = list(pool.map(act, range(6)))
        shared = [each for found in outcomes for each in found[:-1]]
        assert sum(isinstance(each, Posting) for each in shared) == 12
        assert sum(isinstance(each, IdempotencyKeyReusedError) for each in shared) == 60
        assert all(isinstance(found[-1], Posting) for found in outcomes)
        assert sum(book.balance(payee) for _, payee in pairs) == 12 * 10 + 6
    assert database.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]
    assert book.broken() == []


@pytest.mark.load
def test_a_storm_of_groups_singles_and_refunds_keeps_every_penny(book: Book, database: Database) -> None:
    accounts, over = [book.wallet(5_000) for _ in range(8)], Event()

    def client(seed: int) -> int:
        chance, posted = random.Random(seed), 0  # noqa: S311 - reproducible, not secret
        while not over.is_set():
            pairs = [chance.sample(accounts, 2) for _ in range(chance.randint(1, 12))]
            wishes = [wish(payer, payee, chance.randint(1, 900)) for payer, payee in pairs]
            outcomes = book.move_many(wishes, atomic=chance.random() < 0.3) if seed % 3 else one_by_one(book, wishes)
            done = [each for each in zip(wishes, outcomes, strict=True) if isinstance(each[1], Posting)]
            posted += len(done)
            if done and seed % 4 == 0:
                paid, _ = chance.choice(done)
                try:
                    book.give_back(paid.transfer_id, paid.destination)
                    posted += 1
                except InsufficientFundsError:
                    pass
        return posted

    with ThreadPoolExecutor(STORM_CLIENTS) as pool:
        clients = [pool.submit(client, seed) for seed in range(STORM_CLIENTS)]
        over.wait(STORM_SECONDS)
        over.set()
        posted = sum(each.result() for each in clients)
    assert posted > 500
    assert database.execute("SELECT count(*) FROM ledger.transfers WHERE kind <> 'issue'") == [(posted,)]
    assert sum(book.balance(each) for each in accounts) == 40_000
    assert database.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]
    assert book.broken() == []
