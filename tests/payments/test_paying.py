"""From a handle and an amount to money in the other wallet, once; every refusal says what to do next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from app import ledger, payments
from app.amounts import parse_amount
from app.database import transact
from app.errors import ForbiddenError, InsufficientFundsError, InvalidInputError, NotFoundError, SelfPaymentError, WalletFrozenError
from app.identity import Scope

if TYPE_CHECKING:
    from app.identity import Person, Viewer
    from app.money import Money
    from tests.conftest import Database
    from tests.payments.conftest import Till


def check(till: Till, viewer: Viewer, to: str, amount: str) -> tuple[Person, Money]:
    money = parse_amount(amount, till.currency)
    return transact(till.sessions, lambda session: payments.check_payment(session, viewer, to=to, amount=money, memo=None))


def test_a_payment_is_addressed_by_handle_in_any_case(till: Till, viewer: Any) -> None:
    alice, bob = viewer("alice"), viewer("bob")
    receipt = till.pay(alice, "BOB", "12.50", "  for\nlunch ")
    assert (receipt.balance_after.formatted, receipt.replayed) == ("£987.50", False)
    seen = till.find(bob, receipt.payment_id)
    assert seen.balance_after is not None
    assert (seen.signed.formatted, seen.memo, seen.counterparty_username, seen.balance_after.formatted) == (
        "£12.50", "for lunch", "alice", "£1,012.50")


def test_a_retry_pays_once_and_gets_the_first_receipt(till: Till, viewer: Any) -> None:
    alice, key = viewer("alice"), uuid4()
    viewer("bob")
    first, again = till.pay(alice, "bob", "10", key=key), till.pay(alice, "bob", "10.00", key=key)
    assert (first.payment_id, first.created_at, first.balance_after) == (again.payment_id, again.created_at, again.balance_after)
    assert (again.replayed, again.balance_after.formatted) == (True, "£990.00")


@pytest.mark.parametrize("to", ["alice", "ALICE", " @alice "])
def test_nobody_pays_themselves(till: Till, viewer: Any, to: str) -> None:
    with pytest.raises(SelfPaymentError):
        till.pay(viewer("alice"), to, "1")


@pytest.mark.parametrize("to", ["nobody-here", "a b", "\x00", "\ud800"])
def test_an_unknown_payee_is_said_at_the_field(till: Till, viewer: Any, to: str) -> None:
    with pytest.raises(NotFoundError) as refused:
        till.pay(viewer("alice"), to, "1")
    assert (refused.value.field, refused.value.user_message) == ("to", "There is nobody by that username. Check the spelling.")


def test_the_shortfall_is_named_and_what_to_do(till: Till, viewer: Any) -> None:
    alice = viewer("alice")
    viewer("bob")
    with pytest.raises(InsufficientFundsError) as refused:
        till.pay(alice, "bob", "1003.20")
    assert refused.value.user_message == "You need £3.20 more. Ask someone for it, or send less."
    till.pay(alice, "bob", "1000.00")
    with pytest.raises(InsufficientFundsError):
        till.pay(alice, "bob", "0.01")


@pytest.mark.parametrize(("memo", "stored"), [
    (None, None), ("", None), (" \t ", None), ("x" * 200, "x" * 200), ("  a \r\n b ", "a b"), ("👩\u200d🍳", "👩\u200d🍳"),
])
def test_a_memo_is_kept_as_one_line(memo: str | None, stored: str | None) -> None:
    assert payments.parse_memo(memo) == stored


@pytest.mark.parametrize("memo", ["x" * 201, "a\x00b", "a\ud800", "\u202e5.00", "\u3164", "\u200b\u200b"])
def test_a_memo_that_cannot_be_kept_is_refused(till: Till, viewer: Any, memo: str) -> None:
    alice = viewer("alice")
    viewer("bob")
    with pytest.raises(InvalidInputError) as refused:
        till.pay(alice, "bob", "1", memo)
    assert refused.value.field == "memo"


def test_a_confirmation_shows_who_and_the_balance_after_and_moves_nothing(till: Till, viewer: Any) -> None:
    alice = viewer("alice")
    viewer("bob")
    payee, after = check(till, alice, "bob", "1000")
    assert (payee.username, payee.display_name, after.formatted) == ("bob", "Bob", "£0.00")
    with pytest.raises(InsufficientFundsError, match=r"short of 0\.01"):
        check(till, alice, "bob", "1000.01")
    assert len(till.history(alice).payments) == 1


@pytest.mark.parametrize("frozen", ["alice", "bob"])
def test_a_frozen_wallet_is_said_before_and_at_paying(till: Till, viewer: Any, frozen: str) -> None:
    people = {name: viewer(name) for name in ("alice", "bob")}
    transact(till.sessions, lambda session: ledger.set_status(session, people[frozen].account_id, "frozen"))
    for attempt in (lambda: check(till, people["alice"], "bob", "1"), lambda: till.pay(people["alice"], "bob", "1")):
        with pytest.raises(WalletFrozenError):
            attempt()


def test_a_token_without_the_scope_pay_moves_nothing(till: Till, viewer: Any, database: Database) -> None:
    alice, bob = viewer("alice"), viewer("bob")
    paid = till.pay(alice, "bob", "5").payment_id
    reader = {name: replace(each, scopes=frozenset({Scope.READ})) for name, each in (("alice", alice), ("bob", bob))}
    for attempt in (lambda: till.pay(reader["alice"], "bob", "1"), lambda: till.refund(reader["bob"], paid),
                    lambda: check(till, reader["alice"], "bob", "1")):
        with pytest.raises(ForbiddenError, match="scope PAY"):
            attempt()
    assert database.execute("SELECT count(*) FROM ledger.transfers WHERE kind <> 'issue'") == [(1,)]


def test_the_payee_refunds_in_parts_and_both_see_it(till: Till, viewer: Any) -> None:
    alice, bob = viewer("alice"), viewer("bob")
    paid = till.pay(alice, "bob", "10.00", "lamp").payment_id
    part = till.refund(bob, paid, "4.00", "scratched")
    assert part.balance_after.formatted == "£1,006.00"
    theirs, mine = till.find(bob, paid), till.find(alice, paid)
    assert (theirs.refunded.formatted, theirs.refundable.formatted) == ("£4.00", "£6.00")
    assert (mine.refunded.formatted, mine.refundable.formatted) == ("£4.00", "£0.00")
    refund = till.find(alice, part.payment_id)
    assert (refund.refund_of, refund.memo, refund.kind, refund.signed.formatted) == (paid, "scratched", "REFUND", "£4.00")
    refunds = transact(till.sessions, lambda session: payments.list_refunds(session, alice, [paid], currency=till.currency))
    assert [each.id for each in refunds] == [part.payment_id]


def test_bug_paying_a_negative_amount_took_money(till: Till, viewer: Any, database: Database) -> None:
    alice = viewer("alice")
    viewer("bob")
    with pytest.raises(Exception, match="not an amount"):
        till.pay(alice, "bob", "-100.00")
    assert database.execute("SELECT balance FROM ledger.accounts WHERE kind = 'wallet'") == [(100_000,), (100_000,)]
