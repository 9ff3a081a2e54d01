"""Paying many at once: who is meant is found in one statement, and what is refused is an outcome at its place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from app import ledger, payments
from app.amounts import parse_amount
from app.database import transact
from app.errors import (
    ForbiddenError,
    InsufficientFundsError,
    InvalidAmountError,
    InvalidInputError,
    NotAttemptedError,
    NotFoundError,
    SelfPaymentError,
    WalletError,
    WalletFrozenError,
)
from app.identity import Scope
from app.ledger import Posting
from app.money import Currency
from app.payments import MAXIMUM_PAYOUT_ITEMS, Order, Payout, PayoutPreview

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.identity import Viewer
    from tests.payments.conftest import Till

GBP = Currency("GBP", 2)


def item(to: str, amount: str = "1.00", *, key: UUID | None = None, memo: str | None = None) -> Order:
    return Order(idempotency_key=key or uuid4(), to=to, amount=parse_amount(amount, GBP), memo=memo)


def pay_many(till: Till, viewer: Viewer, items: Sequence[Order | WalletError], *, atomic: bool = True) -> Payout:
    payer = payments.Payer.of(viewer)
    return transact(till.sessions, lambda session: payments.pay_many(session, payer, items, atomic=atomic, currency=GBP))


def preview(till: Till, viewer: Viewer, items: Sequence[Order | WalletError]) -> PayoutPreview:
    return transact(till.sessions, lambda session: payments.check_payout(session, viewer, items, currency=GBP))


def kinds(found: Payout) -> list[type]:
    return [type(each) for each in found.outcomes]


def test_many_are_paid_and_each_has_its_receipt(till: Till, viewer: Any) -> None:
    alice, bob, _ = viewer("alice"), viewer("bob"), viewer("kate")
    paid = pay_many(till, alice, [item("BOB", "10.00", memo='say "hi" \\ {NULL}, ok'), item("kate", "5.00", memo="NULL")])
    assert kinds(paid) == [Posting, Posting]
    assert (paid.total.formatted, paid.refused_whole, paid.shortfall) == ("£15.00", False, None)
    assert till.history(bob).payments[0].memo == 'say "hi" \\ {NULL}, ok'
    assert [each.memo for each in till.history(alice).payments[:2]] == ["NULL", 'say "hi" \\ {NULL}, ok']


def test_what_could_not_be_read_holds_back_an_atomic_payout_and_nobody_else_otherwise(till: Till, viewer: Any) -> None:
    alice, _ = viewer("alice"), viewer("bob")
    items: list[Order | WalletError] = [
        item("bob"), InvalidAmountError(), item("nobody-here"), item("alice"), item("\x00"), item("\u212aate"),
    ]
    assert kinds(pay_many(till, alice, items)) == [
        NotAttemptedError, InvalidAmountError, NotFoundError, SelfPaymentError, NotFoundError, NotFoundError]
    paid = pay_many(till, alice, items, atomic=False)
    assert kinds(paid) == [Posting, InvalidAmountError, NotFoundError, SelfPaymentError, NotFoundError, NotFoundError]
    again = pay_many(till, alice, items)
    assert (kinds(again)[0], again.refused_whole, again.total.formatted) == (Posting, True, "£1.00")


def test_the_shortfall_is_of_the_whole_and_counts_a_repeated_item_once(till: Till, viewer: Any) -> None:
    alice, _ = viewer("alice"), viewer("bob")
    stored, repeated = item("bob", "100.00"), item("bob", "300.00")
    pay_many(till, alice, [stored])
    found = pay_many(till, alice, [stored, repeated, repeated, item("bob", "500.00"), item("bob", "200.00")])
    assert found.shortfall is not None
    assert (found.shortfall.balance.formatted, found.shortfall.shortfall.formatted) == ("£900.00", "£100.00")
    assert kinds(found) == [Posting, NotAttemptedError, NotAttemptedError, NotAttemptedError, InsufficientFundsError]
    assert pay_many(till, alice, [item("bob", "900.00"), item("bob", "0.01")], atomic=False).shortfall is None


def test_the_whole_balance_is_paid_and_a_penny_more_is_not(till: Till, viewer: Any) -> None:
    alice, _ = viewer("alice"), viewer("bob")
    assert pay_many(till, alice, [item("bob", "500.00"), item("bob", "500.01")]).refused_whole
    assert pay_many(till, alice, [item("bob", "500.00"), item("bob", "500.00")]).total.formatted == "£1,000.00"


def test_the_limits_are_told(till: Till, viewer: Any) -> None:
    alice, _ = viewer("alice"), viewer("bob")
    too_few: list[Order] = []
    for items in (too_few, [item("bob", "0.01")] * (MAXIMUM_PAYOUT_ITEMS + 1)):
        with pytest.raises(InvalidInputError, match="1 to 10,000"):
            pay_many(till, alice, items)
        with pytest.raises(InvalidInputError, match="1 to 10,000"):
            preview(till, alice, items)


def test_a_token_without_the_scope_pay_pays_nobody(till: Till, viewer: Any) -> None:
    reader = replace(viewer("alice"), scopes=frozenset({Scope.READ}))
    for attempt in (pay_many, preview):
        with pytest.raises(ForbiddenError, match="scope PAY"):
            attempt(till, reader, [item("bob")])


def test_a_preview_says_who_is_paid_what_is_wrong_and_what_is_left_and_moves_nothing(till: Till, viewer: Any) -> None:
    alice, bob, kate = viewer("alice"), viewer("bob"), viewer("kate")
    transact(till.sessions, lambda session: ledger.set_status(session, kate.account_id, "frozen"))
    known = item("bob", "10.00")
    items: list[Order | WalletError] = [known, item("kate"), item("nobody-here"), InvalidAmountError(), item("bob", "5.00")]
    found = preview(till, alice, items)
    assert [getattr(each, "username", type(each)) for each in found.outcomes] == [
        "bob", WalletFrozenError, NotFoundError, InvalidAmountError, "bob"]
    assert (found.total.formatted, found.balance_after.formatted, found.paid_already) == ("£15.00", "£985.00", 0)
    pay_many(till, alice, [known])
    assert (preview(till, alice, items).total.formatted, preview(till, alice, items).paid_already) == ("£5.00", 1)
    transact(till.sessions, lambda session: ledger.set_status(session, alice.account_id, "frozen"))
    with pytest.raises(WalletFrozenError):
        preview(till, alice, items)
    assert len(till.history(bob).payments) == 2


def test_payments_are_found_by_their_ids_and_only_ones_own(till: Till, viewer: Any) -> None:
    alice, bob, kate = viewer("alice"), viewer("bob"), viewer("kate")
    paid = pay_many(till, alice, [item("bob", "1.00"), item("kate", "2.00")])
    ids = [each.transfer_id for each in paid.outcomes if isinstance(each, Posting)]
    found = transact(till.sessions, lambda session: payments.find_payments(session, alice, [*ids, uuid4()], currency=GBP))
    assert {key: each.amount.formatted for key, each in found.items()} == {ids[0]: "£1.00", ids[1]: "£2.00"}
    theirs = transact(till.sessions, lambda session: payments.find_payments(session, bob, ids, currency=GBP))
    assert [each.signed.formatted for each in theirs.values()] == ["£1.00"]
    assert kate.account_id != bob.account_id
