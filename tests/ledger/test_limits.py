"""A balance ends where a bigint does: what would go beyond it is refused, and nothing moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app import ledger
from app.database import transact
from app.errors import BalanceTooLargeError
from app.ledger import Posting
from tests.ledger.conftest import GBP, wish

if TYPE_CHECKING:
    from tests.conftest import Database
    from tests.ledger.conftest import Book

LARGEST = 2**63 - 1


@pytest.fixture
def rich(book: Book, database: Database) -> int:
    """A wallet that holds all that can be issued but ten. As a superuser, for it would take nine million issues."""
    account = book.wallet(1)
    issuance = transact(book.sessions, lambda session: ledger.issuance_account(session, GBP))
    for table, column in (("accounts", "balance"), ("entries", "amount"), ("entries", "balance_after")):
        key = "id" if table == "accounts" else "account_id"
        database.execute(f"SET session_replication_role = replica; UPDATE ledger.{table} SET {column} = {column} * "
                         f"{LARGEST - 10} WHERE {key} IN ({account}, {issuance})")
    database.execute(f"SET session_replication_role = replica; UPDATE ledger.transfers SET amount = {LARGEST - 10}")
    assert book.broken() == []
    return account


def test_what_can_be_issued_ends_and_what_was_redeemed_can_be_issued_again(book: Book, rich: int) -> None:
    poor = book.wallet(10)
    assert (book.balance(rich), book.balance(poor)) == (LARGEST - 10, 10)
    with pytest.raises(BalanceTooLargeError) as refused:
        book.wallet(1)
    assert refused.value.user_message == "A wallet cannot hold that much, so nothing was moved. Choose a smaller amount."
    assert book.broken() == []


def test_a_wallet_holds_as_much_as_a_bigint_and_not_one_more(book: Book, rich: int, database: Database) -> None:
    """Only with the other side made larger, too: all that is issued fits one wallet."""
    payer = book.wallet(10)
    database.execute(f"UPDATE ledger.accounts SET balance = balance + 1 WHERE id = {payer}")
    with pytest.raises(BalanceTooLargeError):
        book.move(payer, rich, 11)
    assert (book.balance(payer), book.balance(rich)) == (11, LARGEST - 10)
    book.move(payer, rich, 10)
    assert book.balance(rich) == LARGEST


def test_in_a_group_the_item_that_goes_beyond_is_refused_alone(book: Book, rich: int, database: Database) -> None:
    payer, other = book.wallet(10), book.wallet()
    database.execute(f"UPDATE ledger.accounts SET balance = balance + 10 WHERE id = {payer}")
    outcomes = book.move_many([wish(payer, rich, 10), wish(payer, rich, 1), wish(payer, other, 1)])
    assert [type(each) for each in outcomes] == [Posting, BalanceTooLargeError, Posting]
    assert (book.balance(payer), book.balance(rich), book.balance(other)) == (9, LARGEST, 1)


def test_a_refund_that_goes_beyond_is_refused(book: Book, rich: int, database: Database) -> None:
    shop = book.wallet()
    paid = book.move(rich, shop, 100).transfer_id
    database.execute(f"UPDATE ledger.accounts SET balance = {LARGEST} WHERE id = {rich}")
    with pytest.raises(BalanceTooLargeError):
        book.give_back(paid, shop)
    assert book.balance(shop) == 100
