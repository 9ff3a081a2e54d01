"""Owns paying many people at once from one wallet: what became of each item, and what a preview of it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, BigInteger, any_, literal, select

from app.errors import (
    ForbiddenError,
    InsufficientFundsError,
    InvalidInputError,
    NotAttemptedError,
    SelfPaymentError,
    WalletClosedError,
    WalletError,
    WalletFrozenError,
)
from app.identity import Person, Scope, find_people, unknown_person
from app.ledger import CLOSED, MAXIMUM_GROUP_ITEMS, MONEY_MAY_ARRIVE, MONEY_MAY_LEAVE, Posting
from app.models import Account, Transfer
from app.money import Currency, Money
from app.payments.payment import is_among
from app.payments.sending import Order, Payer, Sent, send_payments

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity import Viewer

MAXIMUM_PAYOUT_ITEMS: Final = MAXIMUM_GROUP_ITEMS


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


def pay_many(session: Session, payer: Payer, items: Sequence[Order | WalletError], *, atomic: bool, currency: Currency) -> Payout:
    """Pay many from one wallet, each once, however often it is called with their keys; what is refused is an outcome.

    Args:
        payer: the person who is signed in, or whose account the operator names.
        items: 1 to MAXIMUM_PAYOUT_ITEMS; one that could not be read stands as its refusal, and counts as refused.
        atomic: all or none; otherwise each on its own, as if paid one after the other.

    Raises: ForbiddenError (scope PAY), InvalidInputError for no items or too many.
    """
    _check_count(items)
    orders = [each if isinstance(each, Order) else _of_nobody(currency) for each in items]
    sent = send_payments(session.connection(), [(payer, order) for order in orders], atomic=atomic)
    if isinstance(sent[0].failure, ForbiddenError):
        raise sent[0].failure
    outcomes = [_outcome(each, made) for each, made in zip(items, sent, strict=True)]
    paid = {each.transfer_id: each.amount.minor_units for each in outcomes if isinstance(each, Posting)}
    return Payout(
        outcomes=outcomes,
        refused_whole=atomic and any(isinstance(each, WalletError) for each in outcomes),
        total=Money(sum(paid.values()), currency),
        shortfall=_shortfall(orders, outcomes, currency) if atomic else None,
    )


def check_payout(
    session: Session, viewer: Viewer, items: Sequence[Order | WalletError], *, currency: Currency
) -> PayoutPreview:
    """What a confirmation shows before anything moves: who is paid, what is wrong, the total, and the balance after.

    Raises: as `pay_many`, and WalletFrozenError when it is the viewer's own. `pay_many` checks all of it again under the locks.
    """
    viewer.require(Scope.PAY)
    return check_payout_from(session, viewer.account_id, items, currency=currency)


def check_payout_from(
    session: Session, payer: int, items: Sequence[Order | WalletError], *, currency: Currency
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
    right = [item for item, outcome in zip(items, outcomes, strict=True) if isinstance(item, Order) and isinstance(outcome, Person)]
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


def _total(items: Sequence[Order], currency: Currency) -> Money:
    return Money(sum(each.amount.minor_units for each in items), currency)


def _barred(status: str) -> WalletError:
    return WalletClosedError(field="to") if status == CLOSED else WalletFrozenError(field="to")


def _check_count(items: Sequence[object]) -> None:
    if not 1 <= len(items) <= MAXIMUM_PAYOUT_ITEMS:
        message = f"Send 1 to {MAXIMUM_PAYOUT_ITEMS:,} payments at once; these are {len(items):,}."
        raise InvalidInputError(user_message=message, field="items")


def _find_payees(session: Session, payer: int, items: Sequence[Order | WalletError]) -> list[Person | WalletError]:
    people = find_people(session, {each.to for each in items if isinstance(each, Order)})
    return [each if isinstance(each, WalletError) else _payee(payer, each.to, people.get(each.to)) for each in items]


def _payee(payer: int, to: str, found: Person | None) -> Person | WalletError:
    if found is None:
        return unknown_person(to, field="to")
    return SelfPaymentError(to) if found.account_id == payer else found


def _of_nobody(currency: Currency) -> Order:
    """What stands for an item that could not be read: it is refused, and so holds back an atomic group."""
    return Order(idempotency_key=uuid4(), to="", amount=Money(1, currency), memo=None)


def _outcome(item: Order | WalletError, sent: Sent) -> Posting | WalletError:
    if isinstance(item, WalletError):
        return item
    return sent.failure if isinstance(sent.failure, WalletError) else sent.made()


def _shortfall(
    orders: Sequence[Order], outcomes: Sequence[Posting | WalletError], currency: Currency
) -> InsufficientFundsError | None:
    """What the whole of an atomic group lacks, if its money ran out on the way."""
    balance: int | None = None
    wanted: dict[UUID, int] = {}
    for order, outcome in zip(orders, outcomes, strict=True):
        if isinstance(outcome, InsufficientFundsError) and balance is None:
            balance = outcome.balance.minor_units + sum(wanted.values())
        if isinstance(outcome, (NotAttemptedError, InsufficientFundsError)):
            wanted[order.idempotency_key] = order.amount.minor_units
    if balance is None:
        return None
    return InsufficientFundsError(balance=Money(balance, currency), shortfall=Money(sum(wanted.values()) - balance, currency))
