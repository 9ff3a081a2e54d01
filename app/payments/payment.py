"""Owns what a payment is to its two people, how its row is read, and finding single ones. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, Uuid, any_, case, func, literal, select

from app.errors import NotFoundError
from app.identity import Scope
from app.models import Entry, Transfer, User
from app.money import Currency, Money

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from app.identity import Viewer


class Direction(StrEnum):
    """Which way the money went, as the wallet's owner sees it."""

    SENT = "SENT"
    RECEIVED = "RECEIVED"


class PaymentKind(StrEnum):
    """What the ledger calls it, in the API's letters."""

    PAYMENT = "PAYMENT"
    REFUND = "REFUND"
    ISSUE = "ISSUE"
    REDEEM = "REDEEM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A transfer as one of its two people sees it."""

    id: UUID
    kind: PaymentKind
    direction: Direction
    amount: Money
    counterparty_username: str | None
    """None when the money came from or went to the operator."""
    counterparty_display_name: str | None
    counterparty_joined_at: datetime | None
    memo: str | None
    created_at: datetime
    balance_after: Money
    refunded: Money
    refund_of: UUID | None
    number: int
    """Its place in this wallet's history, counted from 1; the cursor."""

    @property
    def signed(self) -> Money:
        """The amount with its sign: below zero it left this wallet."""
        return self.amount if self.direction is Direction.RECEIVED else Money(-self.amount.minor_units, self.amount.currency_info)

    @property
    def refundable(self) -> Money:
        """What the viewer may still give back of it: zero unless it is a payment that they received."""
        is_theirs = self.kind is PaymentKind.PAYMENT and self.direction is Direction.RECEIVED
        left = self.amount.minor_units - self.refunded.minor_units if is_theirs else 0
        return Money(left, self.amount.currency_info)


def find_payment(session: Session, viewer: Viewer, payment_id: UUID, *, currency: Currency) -> Payment:
    """Raises: NotFoundError, the same for a payment between others and for none; ForbiddenError without the scope READ."""
    viewer.require(Scope.READ)
    row = session.execute(select_payments().where(Transfer.id == payment_id, *_seen_by(viewer))).one_or_none()
    if row is None:
        raise NotFoundError(f"no payment {payment_id} of account {viewer.account_id}", user_message="There is no such payment of yours.")
    return payment_of(row, currency)


def find_payments(session: Session, viewer: Viewer, payment_ids: Collection[UUID], *, currency: Currency) -> dict[UUID, Payment]:
    """Those of these payments that are the viewer's, by their ids; one statement, however many."""
    viewer.require(Scope.READ)
    wanted = Transfer.id == any_(literal(list(payment_ids), ARRAY(Uuid)))
    return {row.id: payment_of(row, currency) for row in session.execute(select_payments().where(wanted, *_seen_by(viewer)))}


def list_refunds(session: Session, viewer: Viewer, payment_id: UUID, *, currency: Currency) -> list[Payment]:
    """The refunds of a payment that is the viewer's, oldest first."""
    viewer.require(Scope.READ)
    of_it = select_payments().where(Transfer.refund_of == payment_id, *_seen_by(viewer))
    return [payment_of(row, currency) for row in session.execute(of_it.order_by(Entry.number))]


def select_payments(entry: type[Entry] = Entry) -> Select[*tuple[Any, ...]]:
    """What `payment_of` reads, of entries as their account's owner sees them."""
    counterparty = case((entry.amount < 0, Transfer.destination), else_=Transfer.source)
    refunds = Transfer.__table__.alias("refunds")
    refunded = (
        select(func.coalesce(func.sum(refunds.c.amount), 0))
        .where(refunds.c.refund_of == Transfer.id).correlate(Transfer).scalar_subquery()
    )
    return (
        select(
            Transfer.id, Transfer.kind, Transfer.memo, Transfer.refund_of, entry.number, entry.amount, entry.balance_after,
            entry.created_at, User.username, User.display_name, User.joined_at, refunded.label("refunded"),
        )
        .select_from(entry)
        .join(Transfer, Transfer.id == entry.transfer_id)
        .join(User, User.account_id == counterparty, isouter=True)
    )


def _seen_by(viewer: Viewer) -> tuple[ColumnElement[bool], ...]:
    """Of a known transfer, the entry on the viewer's account; no row when neither of its accounts is the viewer's."""
    mine = viewer.account_id
    number = case((Transfer.source == mine, Transfer.source_number), (Transfer.destination == mine, Transfer.destination_number))
    return Entry.account_id == mine, Entry.number == number


def payment_of(row: Sequence[Any], currency: Currency) -> Payment:
    """A row of `select_payments`."""
    (payment_id, kind, memo, refund_of, number, amount, balance_after, created_at, username, display_name, joined_at, refunded) = row
    return Payment(
        id=payment_id,
        kind=PaymentKind(kind.upper()),
        direction=Direction.SENT if amount < 0 else Direction.RECEIVED,
        amount=Money(abs(amount), currency),
        counterparty_username=username,
        counterparty_display_name=display_name,
        counterparty_joined_at=joined_at,
        memo=memo,
        created_at=created_at,
        balance_after=Money(balance_after, currency),
        refunded=Money(int(refunded), currency),
        refund_of=refund_of,
        number=number,
    )
