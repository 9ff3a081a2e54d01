"""A key answers whoever paid with it. To anybody else it reads like a new one, until their own money would move."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID, uuid4

import pytest

from app import ledger
from app.database import transact
from app.errors import (
    IdempotencyKeyReusedError,
    InsufficientFundsError,
    NotAttemptedError,
    NotFoundError,
    WalletError,
    WalletFrozenError,
)
from app.ledger import Posting
from tests.ledger.conftest import wish

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Database
    from tests.ledger.conftest import Book
    from tests.ledger.groups import TransferRequest


class Scene(NamedTuple):
    """Alice paid the shop with `key`. Mallory, who holds 10.00, knows the key."""

    alice: int
    shop: int
    mallory: int
    friend: int
    frozen: int
    key: UUID


@pytest.fixture
def scene(book: Book) -> Scene:
    alice, shop, mallory, friend, frozen = book.wallet(5000), book.wallet(), book.wallet(1000), book.wallet(), book.wallet()
    transact(book.sessions, lambda session: ledger.set_status(session, frozen, "frozen"))
    key = book.move(alice, shop, 300, memo="rent").transfer_id
    return Scene(alice, shop, mallory, friend, frozen, key)


Told = list[type[Posting | WalletError]]
# What Mallory may try, and what each item is told with a new key.
FREE_TRIES: dict[str, tuple[Callable[[Scene, UUID], list[TransferRequest]], Told]] = {
    "more than they hold": (lambda seen, key: [wish(seen.mallory, seen.friend, 1001, key=key)], [InsufficientFundsError]),
    "to whom the true payer paid": (lambda seen, key: [wish(seen.mallory, seen.shop, 1001, key=key)], [InsufficientFundsError]),
    "beside an item that is refused": (
        lambda seen, key: [wish(seen.mallory, seen.friend, 1, key=key), wish(seen.mallory, seen.friend, 1001)],
        [NotAttemptedError, InsufficientFundsError],
    ),
    "behind an item that is refused": (
        lambda seen, key: [wish(seen.mallory, seen.friend, 1001), wish(seen.mallory, seen.friend, 1, key=key)],
        [InsufficientFundsError, NotAttemptedError],
    ),
    "so much that nothing is left for the next": (
        lambda seen, key: [wish(seen.mallory, seen.friend, 1000, key=key), wish(seen.mallory, seen.friend, 1)],
        [NotAttemptedError, InsufficientFundsError],
    ),
    "twice, with nothing left for the next": (
        lambda seen, key: [*[wish(seen.mallory, seen.friend, 600, key=key)] * 2, wish(seen.mallory, seen.friend, 600)],
        [NotAttemptedError, NotAttemptedError, InsufficientFundsError],
    ),
}


@pytest.mark.parametrize("name", FREE_TRIES)
def test_a_try_that_costs_nothing_tells_nothing_of_a_key_that_is_somebody_elses(book: Book, scene: Scene, name: str) -> None:
    tries, told = FREE_TRIES[name]
    outcomes = [[(type(each), str(each)) for each in book.move_many(tries(scene, key), atomic=True)] for key in (uuid4(), scene.key)]
    assert outcomes[0] == outcomes[1]
    assert [kind for kind, _ in outcomes[1]] == told
    assert book.balance(scene.mallory) == 1000


@pytest.mark.parametrize(("payee", "error"), [
    ("frozen", WalletFrozenError), ("friend", InsufficientFundsError), ("mallory", NotFoundError),
])
def test_what_is_refused_with_a_new_key_is_refused_in_the_same_words_with_somebody_elses(
    book: Book, scene: Scene, payee: str, error: type[WalletError]
) -> None:
    told = set()
    for key in (uuid4(), scene.key):
        with pytest.raises(error) as refused:
            book.move(scene.mallory, getattr(scene, payee), 1001, key=key)
        told.add((refused.type, str(refused.value)))
    assert len(told) == 1


@pytest.mark.parametrize("together", [False, True], ids=["alone", "in a group"])
def test_a_payment_that_would_move_money_is_refused_under_somebody_elses_key(book: Book, scene: Scene, together: bool) -> None:  # noqa: FBT001
    if together:
        mine, other = book.move_many([wish(scene.mallory, scene.friend, 1, key=scene.key), wish(scene.mallory, scene.friend, 1000)])
        assert (type(mine), type(other)) == (IdempotencyKeyReusedError, Posting)
    else:
        with pytest.raises(IdempotencyKeyReusedError):
            book.move(scene.mallory, scene.friend, 1, key=scene.key)
    assert (book.balance(scene.mallory), book.balance(scene.friend)) == ((0, 1000) if together else (1000, 0))
    assert book.move(scene.alice, scene.shop, 300, key=scene.key, memo="rent").replayed
    assert book.broken() == []


def test_in_an_atomic_group_where_all_else_is_right_it_is_refused_and_the_others_were_not_attempted(book: Book, scene: Scene) -> None:
    key = scene.key
    outcomes = book.move_many([
        wish(scene.mallory, scene.friend, 1), wish(scene.mallory, scene.friend, 2, key=key), wish(scene.mallory, scene.friend, 3),
    ], atomic=True)
    assert [type(each) for each in outcomes] == [NotAttemptedError, IdempotencyKeyReusedError, NotAttemptedError]
    assert (book.balance(scene.mallory), book.balance(scene.friend)) == (1000, 0)


def test_in_a_group_of_many_people_the_first_with_a_key_pays_and_to_the_others_it_is_somebody_elses(book: Book, scene: Scene) -> None:
    key = uuid4()
    outcomes = book.move_many([
        wish(scene.alice, scene.shop, 5, key=key),
        wish(scene.mallory, scene.friend, 5000, key=key), wish(scene.mallory, scene.friend, 5, key=key),
        wish(scene.alice, scene.shop, 5, key=key), wish(scene.alice, scene.shop, 6, key=key),
        wish(scene.mallory, scene.friend, 7),
    ])
    assert [type(each) for each in outcomes] == [
        Posting, InsufficientFundsError, IdempotencyKeyReusedError, Posting, IdempotencyKeyReusedError, Posting]
    assert [each.replayed for each in outcomes if isinstance(each, Posting)] == [False, True, False]
    assert (book.balance(scene.alice), book.balance(scene.mallory)) == (4695, 993)


def test_ones_own_key_answers_even_when_nothing_could_move_now(book: Book, scene: Scene) -> None:
    book.move(scene.alice, scene.shop, 4700)
    assert book.move(scene.alice, scene.shop, 300, key=scene.key, memo="rent").replayed
    with pytest.raises(IdempotencyKeyReusedError):
        book.move(scene.alice, scene.shop, 301, key=scene.key, memo="rent")


def test_a_refunds_key_of_somebody_else_reads_like_a_new_one_until_money_would_move(book: Book, scene: Scene) -> None:
    paid = book.move(scene.alice, scene.mallory, 500).transfer_id
    book.move(scene.mallory, scene.friend, 1500)
    for key in (uuid4(), scene.key):
        with pytest.raises(InsufficientFundsError):
            book.give_back(paid, scene.mallory, 100, key=key)
    book.move(scene.alice, scene.mallory, 100)
    with pytest.raises(IdempotencyKeyReusedError):
        book.give_back(paid, scene.mallory, 100, key=scene.key)
    assert book.balance(scene.mallory) == 100


def test_a_refunds_key_stands_for_its_amount_as_it_was_given(book: Book, scene: Scene) -> None:
    rest, part, whole = uuid4(), uuid4(), uuid4()
    assert book.give_back(scene.key, scene.shop, 100, key=part).amount.minor_units == 100
    assert book.give_back(scene.key, scene.shop, None, key=rest).amount.minor_units == 200
    other = book.move(scene.alice, scene.shop, 50).transfer_id
    book.give_back(other, scene.shop, 50, key=whole)
    for key, payment, same, others in (
        (part, scene.key, 100, (None, 99, 101, 200)), (rest, scene.key, None, (200, 100, 300)), (whole, other, 50, (None, 49)),
    ):
        assert book.give_back(payment, scene.shop, same, key=key).replayed
        for amount in others:
            with pytest.raises(IdempotencyKeyReusedError):
                book.give_back(payment, scene.shop, amount, key=key)
    assert book.broken() == []


def test_a_refund_from_before_it_was_written_down_how_the_amount_was_given_answers_both(
    book: Book, scene: Scene, database: Database
) -> None:
    key = book.give_back(scene.key, scene.shop, 300).transfer_id
    database.execute(f"SET session_replication_role = replica; UPDATE ledger.transfers SET refunds_the_rest = NULL WHERE id = '{key}'")
    assert [book.give_back(scene.key, scene.shop, amount, key=key).replayed for amount in (None, 300)] == [True, True]
    with pytest.raises(IdempotencyKeyReusedError):
        book.give_back(scene.key, scene.shop, 299, key=key)
