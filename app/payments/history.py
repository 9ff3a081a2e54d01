"""Owns the payments of a wallet as its owner sees them: one, a page of them, a statement of a period. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ARRAY, TIMESTAMP, BigInteger, Uuid, any_, bindparam, case, func, literal, literal_column, select, true
from sqlalchemy.orm import aliased

from app.database import PreparedStatement
from app.errors import InvalidInputError, NotFoundError
from app.identity import Scope
from app.models import Account, Entry, Transfer, User
from app.money import Currency, Money
from app.payments.wallet import wallet_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from app.identity import Viewer
    from app.payments.wallet import Wallet

MAXIMUM_PAYMENTS_PER_PAGE: Final = 100
MAXIMUM_SEARCH_CHARACTERS: Final = 64
BEYOND_ALL_NUMBERS: Final = 2**63 - 1
STATEMENT_ROWS_PER_FETCH: Final = 500


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
class HistoryFilter:
    """Which payments to show; what is absent does not restrict."""

    direction: Direction | None = None
    counterparty: str | None = None
    """A handle."""
    kind: PaymentKind | None = None
    since: datetime | None = None
    """At or after this moment."""
    before: datetime | None = None
    """Before this moment."""
    minimum: Money | None = None
    maximum: Money | None = None
    text: str | None = None
    """Part of the memo, or of the other person's handle or display name, any case."""

    @property
    def restricts(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.since or self.before) or self.restricts_rows

    @property
    def restricts_rows(self) -> bool:
        """Whether anything but the period, which is a range of entry numbers, restricts."""
        return any((self.direction, self.counterparty, self.kind, self.minimum, self.maximum, (self.text or "").strip()))


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


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """Some payments, newest first."""

    payments: list[Payment]
    more_follow: bool
    wallet: Wallet | None = None
    """At the same moment; None where the filter leaves anything out."""


def find_payment(session: Session, viewer: Viewer, payment_id: UUID, *, currency: Currency) -> Payment:
    """Raises: NotFoundError, the same for a payment between others and for none; ForbiddenError without the scope READ."""
    viewer.require(Scope.READ)
    row = session.execute(_payments().where(Transfer.id == payment_id, *_seen_by(viewer))).one_or_none()
    if row is None:
        raise NotFoundError(f"no payment {payment_id} of account {viewer.account_id}", user_message="There is no such payment of yours.")
    return _payment(row, currency)


def find_payments(session: Session, viewer: Viewer, payment_ids: Collection[UUID], *, currency: Currency) -> dict[UUID, Payment]:
    """Those of these payments that are the viewer's, by their ids; one statement, however many."""
    viewer.require(Scope.READ)
    wanted = Transfer.id == any_(literal(list(payment_ids), ARRAY(Uuid)))
    return {row.id: _payment(row, currency) for row in session.execute(_payments().where(wanted, *_seen_by(viewer)))}


def history(
    session: Session, viewer: Viewer, wanted: HistoryFilter, *, currency: Currency, first: int = 20, before_number: int | None = None
) -> PaymentPage:
    """A page of the wallet's payments, newest first; page 1 and the last page cost the same.

    Args:
        first: how many, 1 to MAXIMUM_PAYMENTS_PER_PAGE.
        before_number: the number that the page before ended with.
    """
    viewer.require(Scope.READ)
    if not 1 <= first <= MAXIMUM_PAYMENTS_PER_PAGE:
        raise InvalidInputError(user_message=f"A page has 1 to {MAXIMUM_PAYMENTS_PER_PAGE} payments.", field="first")
    if wanted.restricts:
        rows = session.execute(_page(_history(session, viewer, wanted, before_number), first)).all()
        return PaymentPage([_payment(row, currency) for row in rows[:first]], more_follow=len(rows) > first)
    found = whole_history(first).rows(session, account_id=viewer.account_id, before_number=before_number or BEYOND_ALL_NUMBERS)
    balance, status, payment_id, *_ = found[0]
    payments = [_payment(row[2:], currency) for row in found[:first]] if payment_id else []
    return PaymentPage(payments, more_follow=len(found) > first, wallet=wallet_of(balance, status, currency))


def count_history(session: Session, viewer: Viewer, wanted: HistoryFilter) -> int:
    """How many payments `wanted` has. Free for a period; anything else walks through the wallet's history."""
    viewer.require(Scope.READ)
    if not wanted.restricts_rows:
        low, high = _number_range(session, viewer, wanted)
        return max(0, high - low)
    matching = _history(session, viewer, wanted, None).with_only_columns(func.count(), maintain_column_froms=True)
    return session.scalar(matching) or 0


def list_refunds(session: Session, viewer: Viewer, payment_id: UUID, *, currency: Currency) -> list[Payment]:
    """The refunds of a payment that is the viewer's, oldest first."""
    viewer.require(Scope.READ)
    of_it = _payments().where(Transfer.refund_of == payment_id, *_seen_by(viewer))
    return [_payment(row, currency) for row in session.execute(of_it.order_by(Entry.number))]


def statement(session: Session, viewer: Viewer, wanted: HistoryFilter, *, currency: Currency) -> Iterator[Payment]:
    """Every payment that `wanted` has, oldest first, fetched page by page: a year of a shop fits the memory."""
    viewer.require(Scope.READ)
    rows = session.execute(
        _history(session, viewer, wanted, None).order_by(Entry.number), execution_options={"yield_per": STATEMENT_ROWS_PER_FETCH},
    )
    for row in rows:
        yield _payment(row, currency)


def _payments(entry: type[Entry] = Entry) -> Select[*tuple[Any, ...]]:
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


def _page(entries: Select[*tuple[Any, ...]], first: int) -> Select[*tuple[Any, ...]]:
    """The newest `first` of these, and one more, which tells whether others follow."""
    # A page's size as a parameter would have PostgreSQL plan each time anew. It is an int, checked before.
    return entries.order_by(Entry.number.desc()).limit(literal_column(str(first + 1)))


@cache
def whole_history(first: int) -> PreparedStatement:
    """An account, and all of its payments before a number; a row without a payment where there are none.

    The entries are taken first: no plan can then walk through the rest of them.
    """
    of_account = select(Entry).where(Entry.account_id == bindparam("account_id"), Entry.number < bindparam("before_number"))
    taken = aliased(Entry, _page(of_account, first).subquery("taken"))
    page = _payments(taken).subquery("page")
    found = select(Account.balance, Account.status, page).select_from(Account).join(page, true(), isouter=True)
    return PreparedStatement(f"history_{first}", found.where(Account.id == bindparam("account_id")).order_by(page.c.number.desc()))


def _seen_by(viewer: Viewer) -> tuple[ColumnElement[bool], ...]:
    """Of a known transfer, the entry on the viewer's account; no row when neither of its accounts is the viewer's."""
    mine = viewer.account_id
    number = case((Transfer.source == mine, Transfer.source_number), (Transfer.destination == mine, Transfer.destination_number))
    return Entry.account_id == mine, Entry.number == number


def _history(session: Session, viewer: Viewer, wanted: HistoryFilter, before_number: int | None) -> Select[*tuple[Any, ...]]:
    low, high = _number_range(session, viewer, wanted)
    if before_number is not None:
        high = min(high, before_number - 1)
    return _payments().where(Entry.account_id == viewer.account_id, Entry.number > low, Entry.number <= high, *_matches(wanted))


def _number_range(session: Session, viewer: Viewer, wanted: HistoryFilter) -> tuple[int, int]:
    """The numbers of the period: after the first, up to and with the second."""
    mine = viewer.account_id
    low: ColumnElement[int] = literal(0, BigInteger)
    high: ColumnElement[int] = select(Account.entry_count).where(Account.id == mine).scalar_subquery()
    if wanted.since:
        low = func.ledger.entry_number_at(mine, _just_before(wanted.since))
    if wanted.before:
        high = func.ledger.entry_number_at(mine, _just_before(wanted.before))
    row = session.execute(select(low, high)).one()
    return int(row[0]), int(row[1])


def _just_before(moment: datetime) -> ColumnElement[datetime]:
    # PostgreSQL's own grain of time: what is at or before it is what is strictly before the moment.
    return literal(moment - timedelta(microseconds=1), TIMESTAMP(timezone=True))


def _matches(wanted: HistoryFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.direction:
        found.append(Entry.amount < 0 if wanted.direction is Direction.SENT else Entry.amount > 0)
    if wanted.counterparty:
        found.append(User.username == wanted.counterparty.lower())
    if wanted.kind:
        found.append(Transfer.kind == wanted.kind.lower())
    if wanted.minimum:
        found.append(Transfer.amount >= wanted.minimum.minor_units)
    if wanted.maximum:
        found.append(Transfer.amount <= wanted.maximum.minor_units)
    part = (wanted.text or "").strip()[:MAXIMUM_SEARCH_CHARACTERS].replace("\x00", "")
    if part:
        columns = (Transfer.memo, User.username, User.display_name)
        anywhere = columns[0].icontains(part, autoescape=True)
        for column in columns[1:]:
            anywhere = anywhere | column.icontains(part, autoescape=True)
        found.append(anywhere)
    return found


def _payment(row: Sequence[Any], currency: Currency) -> Payment:
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
