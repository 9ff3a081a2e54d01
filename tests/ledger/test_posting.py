"""Money moves once, exactly, and never beyond the funds."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from app import ledger
from app.amounts import MAXIMUM_AMOUNT_MINOR_UNITS
from app.database import transact
from app.errors import (
    IdempotencyKeyReusedError,
    InsufficientFundsError,
    InvalidInputError,
    NotFoundError,
    RefundTooLargeError,
    WalletFrozenError,
)
from app.money import Currency

if TYPE_CHECKING:
    from tests.conftest import Database
    from tests.ledger.conftest import Book


def test_a_payment_leaves_one_wallet_and_reaches_the_other(book: Book, database: Database) -> None:
    alice, bob = book.wallet(1000), book.wallet(0)
    posting = book.move(alice, bob, 250, memo="lunch")
    assert (book.balance(alice), book.balance(bob)) == (750, 250)
    assert (posting.source_balance.minor_units, posting.source_number, posting.destination_number) == (750, 2, 1)
    entries = database.execute("SELECT account_id, number, amount, balance_after FROM ledger.entries WHERE transfer_id <> "
                               f"(SELECT id FROM ledger.transfers WHERE kind = 'issue') AND account_id IN ({alice}, {bob}) ORDER BY amount")
    assert entries == [(alice, 2, -250, 750), (bob, 1, 250, 250)]
    assert book.broken() == []


def test_the_smallest_amount_moves(book: Book) -> None:
    alice, bob = book.wallet(1), book.wallet(0)
    book.move(alice, bob, 1)
    assert (book.balance(alice), book.balance(bob)) == (0, 1)


def test_the_whole_balance_moves_and_one_unit_more_does_not(book: Book) -> None:
    alice, bob = book.wallet(1000), book.wallet(0)
    with pytest.raises(InsufficientFundsError) as refused:
        book.move(alice, bob, 1001)
    assert (refused.value.balance.minor_units, refused.value.shortfall.minor_units) == (1000, 1)
    assert book.balance(alice) == 1000
    book.move(alice, bob, 1000)
    assert (book.balance(alice), book.balance(bob)) == (0, 1000)


def test_the_maximum_moves(book: Book) -> None:
    alice, bob = book.wallet(MAXIMUM_AMOUNT_MINOR_UNITS), book.wallet(0)
    book.move(alice, bob, MAXIMUM_AMOUNT_MINOR_UNITS)
    assert book.balance(bob) == MAXIMUM_AMOUNT_MINOR_UNITS


def test_the_same_id_again_answers_the_first_result_and_moves_nothing(book: Book) -> None:
    alice, bob, key = book.wallet(1000), book.wallet(0), uuid4()
    first = book.move(alice, bob, 600, key=key)
    book.move(bob, alice, 100)
    again = book.move(alice, bob, 600, key=key)
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.source_balance, again.created_at, again.source_number) == (first.source_balance, first.created_at, first.source_number)
    assert book.balance(alice) == 500


def test_the_same_id_is_answered_even_when_the_money_would_not_suffice_again(book: Book) -> None:
    alice, bob, key = book.wallet(1000), book.wallet(0), uuid4()
    book.move(alice, bob, 1000, key=key)
    assert book.move(alice, bob, 1000, key=key).replayed


def test_the_same_id_is_answered_even_when_the_wallet_is_frozen_since(book: Book) -> None:
    alice, bob, key = book.wallet(1000), book.wallet(0), uuid4()
    book.move(alice, bob, 10, key=key)
    transact(book.sessions, lambda session: ledger.set_status(session, alice, "frozen"))
    assert book.move(alice, bob, 10, key=key).replayed


def test_the_same_id_with_anything_different_is_refused_and_moves_nothing(book: Book) -> None:
    alice, bob, carol, key = book.wallet(1000), book.wallet(1000), book.wallet(1000), uuid4()
    book.move(alice, bob, 100, key=key, memo="lunch")
    for source, destination, amount, memo in [
        (alice, bob, 101, "lunch"), (alice, carol, 100, "lunch"), (carol, bob, 100, "lunch"), (bob, alice, 100, "lunch"),
        (alice, bob, 100, "dinner"), (alice, bob, 100, None), (alice, bob, 5000, "lunch"),
    ]:
        with pytest.raises(IdempotencyKeyReusedError):
            book.move(source, destination, amount, key=key, memo=memo)
    assert [book.balance(each) for each in (alice, bob, carol)] == [900, 1100, 1000]


def test_a_refused_payments_id_may_be_used_again(book: Book) -> None:
    alice, bob, key = book.wallet(10), book.wallet(500), uuid4()
    with pytest.raises(InsufficientFundsError):
        book.move(alice, bob, 11, key=key)
    book.move(bob, alice, 1)
    assert not book.move(alice, bob, 11, key=key).replayed


@pytest.mark.parametrize("frozen", ["payer", "payee"])
def test_no_money_leaves_or_reaches_a_frozen_wallet(book: Book, frozen: str) -> None:
    alice, bob = book.wallet(100), book.wallet(0)
    account = alice if frozen == "payer" else bob
    assert transact(book.sessions, lambda session: ledger.set_status(session, account, "frozen"))
    assert not transact(book.sessions, lambda session: ledger.set_status(session, account, "frozen"))
    with pytest.raises(WalletFrozenError):
        book.move(alice, bob, 1)
    assert transact(book.sessions, lambda session: ledger.set_status(session, account, "open"))
    book.move(alice, bob, 1)


def test_an_unknown_account_is_refused(book: Book) -> None:
    alice = book.wallet(100)
    with pytest.raises(NotFoundError):
        book.move(alice, 999_999, 1)
    assert book.balance(alice) == 100


def test_wallets_of_two_currencies_do_not_pay_each_other(book: Book) -> None:
    euro = transact(book.sessions, lambda session: ledger.open_account(session, Currency("EUR", 2)))
    alice = book.wallet(100)
    with pytest.raises(InvalidInputError) as refused:
        book.move(alice, euro, 1)
    assert refused.value.user_message == "The two wallets hold different currencies."


def test_an_answer_that_the_program_does_not_know_is_a_bug_not_a_payment(book: Book) -> None:
    alice, issuance = book.wallet(100), transact(book.sessions, lambda session: ledger.issuance_account(session, Currency("GBP", 2)))
    with pytest.raises(RuntimeError, match="wrong_kind"):
        book.move(issuance, alice, 1)
    assert book.balance(alice) == 100


def test_a_refund_goes_back_in_parts_and_never_exceeds_the_payment(book: Book) -> None:
    alice, shop = book.wallet(1000), book.wallet(0)
    paid = book.move(alice, shop, 300).transfer_id
    book.give_back(paid, shop, 100)
    with pytest.raises(RefundTooLargeError) as refused:
        book.give_back(paid, shop, 201)
    assert refused.value.refundable.minor_units == 200
    assert refused.value.user_message == "Only £2.00 of this payment is left to refund. Refund that or less."
    assert book.give_back(paid, shop).amount.minor_units == 200
    with pytest.raises(RefundTooLargeError, match=r"refundable 0\.00"):
        book.give_back(paid, shop)
    assert (book.balance(alice), book.balance(shop)) == (1000, 0)
    assert book.broken() == []


def test_a_refund_with_the_same_id_is_paid_once(book: Book) -> None:
    alice, shop, key = book.wallet(1000), book.wallet(0), uuid4()
    paid = book.move(alice, shop, 300).transfer_id
    first, again = book.give_back(paid, shop, key=key), book.give_back(paid, shop, key=key)
    assert (first.replayed, again.replayed, again.amount.minor_units) == (False, True, 300)
    assert book.balance(alice) == 1000


def test_a_refunds_id_with_another_amount_is_refused(book: Book) -> None:
    alice, shop, key = book.wallet(1000), book.wallet(0), uuid4()
    paid = book.move(alice, shop, 300).transfer_id
    book.give_back(paid, shop, 100, key=key)
    with pytest.raises(IdempotencyKeyReusedError):
        book.give_back(paid, shop, 101, key=key)


def test_only_the_payee_refunds_and_to_all_others_the_payment_does_not_exist(book: Book) -> None:
    alice, shop, mallory = book.wallet(1000), book.wallet(0), book.wallet(0)
    paid = book.move(alice, shop, 300).transfer_id
    for stranger in (alice, mallory):
        with pytest.raises(NotFoundError):
            book.give_back(paid, stranger, 100)
    refund = book.give_back(paid, shop, 100).transfer_id
    with pytest.raises(NotFoundError):
        book.give_back(refund, alice, 100)


def test_a_refund_needs_the_money_to_be_there(book: Book) -> None:
    alice, shop, other = book.wallet(1000), book.wallet(0), book.wallet(0)
    paid = book.move(alice, shop, 300).transfer_id
    book.move(shop, other, 200)
    with pytest.raises(InsufficientFundsError) as refused:
        book.give_back(paid, shop)
    assert refused.value.shortfall.minor_units == 200


def test_entry_numbers_are_found_by_time(book: Book, database: Database) -> None:
    alice, bob = book.wallet(1000), book.wallet(0)
    times = [book.move(alice, bob, 1).created_at for _ in range(9)]

    def number_at(moment: str) -> int:
        return int(database.execute(f"SELECT ledger.entry_number_at({bob}, '{moment}')", role="payment_system")[0][0])

    assert number_at("2000-01-01") == 0
    assert [number_at(each.isoformat()) for each in times] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert number_at("infinity") == 9


def test_all_balances_sum_to_zero_whatever_moves(book: Book, database: Database) -> None:
    alice, bob = book.wallet(1000), book.wallet(70)
    book.move(alice, bob, 5)
    assert database.execute("SELECT sum(balance) FROM ledger.accounts") == [(0,)]
    figures = transact(book.sessions, lambda session: ledger.trial_balance(session, Currency("GBP", 2)))
    assert (figures.issued.amount, figures.held_by_people.amount, figures.balanced) == ("10.70", "10.70", True)
    assert (figures.wallets, figures.transfers) == (2, 3)
