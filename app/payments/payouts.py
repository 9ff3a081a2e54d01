"""Owns paying many people at once: handles found in one statement, money moved in one, and an answer for each item in its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, BigInteger, any_, literal, select

from app import ledger
from app.errors import (
    HeldBackError,
    InsufficientFundsError,
    InvalidInputError,
    SelfPaymentError,
    WalletClosedError,
    WalletError,
    WalletFrozenError,
)
from app.identity import Person, Scope, find_people, unknown_person
from app.ledger import CLOSED, MAXIMUM_GROUP_ITEMS, MONEY_MAY_ARRIVE, MONEY_MAY_LEAVE, Posting, Wish
from app.models import Account, Transfer
from app.money import Currency, Money
from app.payments.payment import is_among

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity import Viewer

MAXIMUM_PAYOUT_ITEMS: Final = MAXIMUM_GROUP_ITEMS


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutItem:
    """One payment of many. Its memo has been through `parse_memo`."""

    idempotency_key: UUID
    to: str
    """The payee's handle, any case."""
    amount: Money
    memo: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """What became of many payments."""

    outcomes: list[Posting | WalletError]
    """One for each item, in its place."""
    refused_whole: bool
    """All or none was asked for, and it is none."""
    total: Money
    """Of what is in the books, also by an earlier call with the same keys."""
    shortfall: InsufficientFundsError | None
    """What all of an atomic payout is beyond the balance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutPreview:
    """What a payout would do, of this moment."""

    outcomes: list[Person | WalletError]
    """Who each item pays, or what is wrong with it."""
    total: Money
    """Of the items with which nothing is wrong, and that are not paid already."""
    total_of_all: Money
    """Of the items with which nothing is wrong, paid already or not."""
    paid_already: int
    """How many were paid by an earlier call with these keys."""
    paid_at: datetime | None
    """When the first of those was."""
    balance: Money

    @property
    def balance_after(self) -> Money:
        """Once what is not paid already is; below zero by what is missing."""
        return Money(self.balance.minor_units - self.total.minor_units, self.balance.currency_info)

    @property
    def balance_after_all(self) -> Money:
        """Once all of it is paid, what is paid already once more."""
        return Money(self.balance.minor_units - self.total_of_all.minor_units, self.balance.currency_info)


def pay_many(
    session: Session, viewer: Viewer, items: Sequence[PayoutItem | WalletError], *, atomic: bool, currency: Currency
) -> Payout:
    """Pay many from the viewer's wallet, each once, however often it is called with their keys; what is refused is an outcome.

    Args:
        items: 1 to MAXIMUM_PAYOUT_ITEMS; one that could not be read stands as its refusal, and counts as refused.
        atomic: all or none; otherwise each on its own, as if paid one after the other.

    Raises: ForbiddenError (scope PAY), InvalidInputError for no items or too many.
    """
    viewer.require(Scope.PAY)
    return pay_many_from(session, viewer.account_id, items, atomic=atomic, currency=currency)


def pay_many_from(
    session: Session, payer: int, items: Sequence[PayoutItem | WalletError], *, atomic: bool, currency: Currency
) -> Payout:
    """As `pay_many`, for the operator, who asks nobody's leave.

    Args:
        payer: account id of the wallet to pay from.
    """
    _check_count(items)
    payees = _find_payees(session, payer, items)
    wishes = [_wish(payer, item, payee, currency) for item, payee in zip(items, payees, strict=True)]
    posted = ledger.post_many(session, wishes, atomic=atomic)
    outcomes = [payee if isinstance(payee, WalletError) else outcome for payee, outcome in zip(payees, posted, strict=True)]
    paid = {each.transfer_id: each.amount.minor_units for each in outcomes if isinstance(each, Posting)}
    return Payout(
        outcomes=outcomes,
        refused_whole=atomic and any(isinstance(each, WalletError) for each in outcomes),
        total=Money(sum(paid.values()), currency),
        shortfall=_shortfall(wishes, outcomes, currency) if atomic else None,
    )


def check_payout(
    session: Session, viewer: Viewer, items: Sequence[PayoutItem | WalletError], *, currency: Currency
) -> PayoutPreview:
    """What a confirmation shows before anything moves: who is paid, what is wrong, the total, and the balance after.

    Raises: as `pay_many`, and WalletFrozenError when it is the viewer's own. `pay_many` checks all of it again under the locks.
    """
    viewer.require(Scope.PAY)
    return check_payout_from(session, viewer.account_id, items, currency=currency)


def check_payout_from(
    session: Session, payer: int, items: Sequence[PayoutItem | WalletError], *, currency: Currency
) -> PayoutPreview:
    """As `check_payout`, for the operator.

    Args:
        payer: account id of the wallet to pay from.
    """
    _check_count(items)
    wallet = session.get_one(Account, payer)
    if wallet.status not in MONEY_MAY_LEAVE:
        raise WalletFrozenError
    payees = _find_payees(session, payer, items)
    wanted = [each.account_id for each in payees if isinstance(each, Person)]
    of_payees = Account.id == any_(literal(wanted, ARRAY(BigInteger)))
    barred = dict(session.execute(select(Account.id, Account.status).where(of_payees, Account.status.not_in(MONEY_MAY_ARRIVE))).all())
    outcomes = [_barred(barred[each.account_id]) if isinstance(each, Person) and each.account_id in barred else each for each in payees]
    right = [item for item, outcome in zip(items, outcomes, strict=True) if isinstance(item, PayoutItem) and isinstance(outcome, Person)]
    stored = _stored(session, payer, [each.idempotency_key for each in right])
    return PayoutPreview(
        outcomes=outcomes,
        total=_total([each for each in right if each.idempotency_key not in stored], currency),
        total_of_all=_total(right, currency),
        paid_already=len(stored),
        paid_at=min(stored.values(), default=None),
        balance=Money(wallet.balance, currency),
    )


def _stored(session: Session, payer: int, keys: list[UUID]) -> dict[UUID, datetime]:
    """Which of these the payer has in the books, and since when."""
    mine = is_among(Transfer.id, keys), Transfer.source == payer
    rows = session.execute(select(Transfer.id, Transfer.created_at).where(*mine))
    return {row.id: row.created_at for row in rows}


def _total(items: Sequence[PayoutItem], currency: Currency) -> Money:
    return Money(sum(each.amount.minor_units for each in items), currency)


def _barred(status: str) -> WalletError:
    return WalletClosedError(field="to") if status == CLOSED else WalletFrozenError(field="to")


def _check_count(items: Sequence[object]) -> None:
    if not 1 <= len(items) <= MAXIMUM_PAYOUT_ITEMS:
        message = f"Send 1 to {MAXIMUM_PAYOUT_ITEMS:,} payments at once; these are {len(items):,}."
        raise InvalidInputError(user_message=message, field="items")


def _find_payees(session: Session, payer: int, items: Sequence[PayoutItem | WalletError]) -> list[Person | WalletError]:
    people = find_people(session, {each.to for each in items if isinstance(each, PayoutItem)})
    return [each if isinstance(each, WalletError) else _payee(payer, each.to, people.get(each.to)) for each in items]


def _payee(payer: int, to: str, found: Person | None) -> Person | WalletError:
    if found is None:
        return unknown_person(to, field="to")
    return SelfPaymentError(to) if found.account_id == payer else found


def _wish(payer: int, item: PayoutItem | WalletError, payee: Person | WalletError, currency: Currency) -> Wish:
    if isinstance(item, PayoutItem) and isinstance(payee, Person):
        return Wish(
            transfer_id=item.idempotency_key, source=payer, destination=payee.account_id, amount=item.amount, memo=item.memo,
        )
    # What is refused here takes its place as a transfer that the ledger refuses, to the payer itself: so an atomic group is held
    # back by it, and yet each of the others is judged and tells whether it is in the books already.
    return Wish(transfer_id=uuid4(), source=payer, destination=payer, amount=Money(1, currency), memo=None)


def _shortfall(
    wishes: Sequence[Wish], outcomes: Sequence[Posting | WalletError], currency: Currency
) -> InsufficientFundsError | None:
    """What the whole of an atomic group lacks, if its money ran out on the way."""
    balance: int | None = None
    wanted: dict[UUID, int] = {}
    for wish, outcome in zip(wishes, outcomes, strict=True):
        if isinstance(outcome, InsufficientFundsError) and balance is None:
            balance = outcome.balance.minor_units + sum(wanted.values())
        if isinstance(outcome, (HeldBackError, InsufficientFundsError)):
            wanted[wish.transfer_id] = wish.amount.minor_units
    if balance is None:
        return None
    return InsufficientFundsError(balance=Money(balance, currency), shortfall=Money(sum(wanted.values()) - balance, currency))
