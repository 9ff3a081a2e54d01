"""Owns what a payment is to its two people, how its row is read, and finding single ones. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Text, Uuid, any_, case, cast, func, literal, select

from app.errors import NotFoundError, NotRefundableError
from app.identity import Scope
from app.models import Entry, Transfer, User
from app.money import Currency, Money

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, FromClause, Select
    from sqlalchemy.orm import InstrumentedAttribute, Session

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


# Looked up for each payment of a page: an enum's own way takes ten times as long.
KINDS: Final = {kind.lower(): kind for kind in PaymentKind}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterparty:
    """The other person of a payment, as its row tells: a page of payments asks for nobody one by one."""

    username: str
    display_name: str | None
    joined_at: datetime | None
    is_operator: bool | None


class Payment(NamedTuple):
    """A transfer as one of its two people sees it: a row of `select_payments`, taken as it comes, and what follows from it.

    A tuple, because a page has up to a hundred of them and a class with fields to be set takes ten times as long to make.
    """

    id_text: str
    ledger_kind: str
    """What the ledger calls it."""
    memo: str | None
    refund_of_text: str | None
    number: int
    """Its place in this wallet's history, counted from 1; the cursor."""
    signed_minor_units: int
    """Below zero it left this wallet."""
    balance_after_minor_units: int | None
    """None for who may not see it."""
    created_at: datetime
    counterparty_username: str | None
    """None when the money came from or went to the operator."""
    counterparty_display_name: str | None
    counterparty_joined_at: datetime | None
    counterparty_is_operator: bool | None
    refunded_minor_units: int
    currency: Currency

    @property
    def id(self) -> UUID:
        """The transfer's."""
        return UUID(self.id_text)

    @property
    def refund_of(self) -> UUID | None:
        """The id of the payment that this one gives back."""
        return None if self.refund_of_text is None else UUID(self.refund_of_text)

    @property
    def kind(self) -> PaymentKind:
        """Why the money moved."""
        return KINDS[self.ledger_kind]

    @property
    def direction(self) -> Direction:
        """Which way it went."""
        return Direction.SENT if self.signed_minor_units < 0 else Direction.RECEIVED

    @property
    def counterparty(self) -> Counterparty | None:
        """The other person; None when the money came from or went to the operator."""
        if self.counterparty_username is None:
            return None
        return Counterparty(
            username=self.counterparty_username, display_name=self.counterparty_display_name,
            joined_at=self.counterparty_joined_at, is_operator=self.counterparty_is_operator,
        )

    @property
    def amount(self) -> Money:
        """How much; above zero."""
        return Money(abs(self.signed_minor_units), self.currency)

    @property
    def balance_after(self) -> Money | None:
        """What the wallet held right after it; None for who may not see it."""
        return None if self.balance_after_minor_units is None else Money(self.balance_after_minor_units, self.currency)

    @property
    def refunded(self) -> Money:
        """How much of it was given back so far."""
        return Money(self.refunded_minor_units, self.currency)

    @property
    def signed(self) -> Money:
        """The amount with its sign: below zero it left this wallet."""
        return Money(self.signed_minor_units, self.currency)

    @property
    def refundable(self) -> Money:
        """What the viewer may still give back of it: zero unless it is a payment that they received."""
        is_theirs = self.kind is PaymentKind.PAYMENT and self.direction is Direction.RECEIVED
        return Money(self.signed_minor_units - self.refunded_minor_units if is_theirs else 0, self.currency)


def find_payment(session: Session, viewer: Viewer, payment_id: UUID, *, currency: Currency) -> Payment:
    """Raises: NotFoundError, the same for a payment between others and for none; ForbiddenError without the scope READ."""
    viewer.require(Scope.READ)
    row = session.execute(select_payments().where(Transfer.id == payment_id, *_seen_by(viewer))).one_or_none()
    if row is None:
        raise NotFoundError(f"no payment {payment_id} of account {viewer.account_id}", user_message="There is no such payment of yours.")
    return payment_of(row, currency)


def find_payments(session: Session, viewer: Viewer, payment_ids: Collection[UUID], *, currency: Currency) -> dict[UUID, Payment]:
    """Those of these payments that are the viewer's, by their ids; one statement, however many.

    Asks for no scope: it is for what belongs to a payment that was just made, or shown. Without READ they come without balances.
    """
    found = session.execute(select_payments().where(is_among(Transfer.id, payment_ids), *_seen_by(viewer)))
    return {payment.id: payment for payment in (shown_to(viewer, payment_of(row, currency)) for row in found)}


def find_refundable(session: Session, viewer: Viewer, payment_id: UUID, *, currency: Currency) -> Payment:
    """The payment to the viewer that this id names; whether anything is left of it to refund, it says itself.

    Raises: NotRefundableError for what is in their history and no payment; else NotFoundError, also for a payment that they made.
    """
    found = find_payments(session, viewer, [payment_id], currency=currency).get(payment_id)
    if found is not None and found.kind is not PaymentKind.PAYMENT:
        raise NotRefundableError(f"{payment_id} is of kind {found.kind}")
    if found is None or found.direction is Direction.SENT:
        message = "There is no payment to you by that id. Only the person who was paid can refund."
        detail = f"{payment_id} is no payment that reached account {viewer.account_id}"
        raise NotFoundError(detail, user_message=message, field="paymentId")
    return found


def list_refunds(
    session: Session, viewer: Viewer, payment_ids: Collection[UUID], *, currency: Currency, most: int | None = None
) -> list[Payment]:
    """The refunds of these payments that are the viewer's, oldest first; one statement, however many.

    Asks for no scope, as `find_payments`.

    Args:
        most: of how many refunds the rest is left out; of none, when absent.
    """
    of_them = select_payments().where(is_among(Transfer.refund_of, payment_ids), *_seen_by(viewer))
    return [shown_to(viewer, payment_of(row, currency)) for row in session.execute(of_them.order_by(Entry.number).limit(most))]


def select_payments(entry: type[Entry] = Entry, *before: FromClause) -> Select[*tuple[Any, ...]]:
    """What `payment_of` reads, of entries as their account's owner sees them; of what stands before them, if they are lateral to it."""
    refunds = Transfer.__table__.alias("refunds")
    refunded = (
        select(cast(func.coalesce(func.sum(refunds.c.amount), 0), BigInteger))
        .where(refunds.c.refund_of == Transfer.id).correlate(Transfer).scalar_subquery()
    )
    return (
        select(
            # As text, which is what most of them become: a driver's UUIDs are slow to make.
            cast(Transfer.id, Text), Transfer.kind, Transfer.memo, cast(Transfer.refund_of, Text),
            entry.number, entry.amount, entry.balance_after, entry.created_at,
            User.username, User.display_name, User.joined_at, User.is_operator, refunded.label("refunded"),
        )
        .select_from(*before, entry)
        .join(Transfer, Transfer.id == entry.transfer_id)
        .join(User, User.account_id == other_side(entry), isouter=True)
    )


def other_side(entry: type[Entry]) -> ColumnElement[int]:
    """The account at the other end of an entry's transfer, which is joined to it."""
    return case((entry.amount < 0, Transfer.destination), else_=Transfer.source)


def is_among(column: InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None], ids: Collection[UUID]) -> ColumnElement[bool]:
    """The column holds one of these. An array is one parameter: the statement's text, and so its plan, is the same for any number."""
    return column == any_(literal(list(ids), ARRAY(Uuid)))


def _seen_by(viewer: Viewer) -> tuple[ColumnElement[bool], ...]:
    """Of a known transfer, the entry on the viewer's account; no row when neither of its accounts is the viewer's."""
    mine = viewer.account_id
    number = case((Transfer.source == mine, Transfer.source_number), (Transfer.destination == mine, Transfer.destination_number))
    return Entry.account_id == mine, Entry.number == number


def payment_of(row: Sequence[Any], currency: Currency) -> Payment:
    """A row of `select_payments`."""
    return Payment._make((*row, currency))


def shown_to(viewer: Viewer, payment: Payment) -> Payment:
    """The payment without its balance, if this way in may pay and not read."""
    return payment if Scope.READ in viewer.scopes else payment._replace(balance_after_minor_units=None)
