"""Owns the history of a wallet: a page of its payments, how many there are, a statement of a period. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import TIMESTAMP, BigInteger, bindparam, func, literal, literal_column, select
from sqlalchemy.orm import aliased

from app.database import PreparedStatement
from app.identity import Scope
from app.models import Account, Entry, Transfer, User
from app.payments.payment import Counterparty, Direction, Payment, PaymentKind, other_side, payment_of, select_payments
from app.payments.reading import BEYOND_ALL_NUMBERS, PAYMENTS_PER_PAGE, PaymentPage, WalletRequest, check_page_size, read_wallets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from app.identity import Viewer
    from app.money import Currency, Money

STATEMENT_ROWS_PER_FETCH: Final = 500
RECENT_PEOPLE: Final = 6
RECENT_PAYMENTS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFilter:
    """Which payments to show; what is absent does not restrict."""

    direction: Direction | None = None
    counterparty: str | None = None
    """A handle, as `parse_username` gives it."""
    kind: PaymentKind | None = None
    since: datetime | None = None
    """At or after this moment."""
    before: datetime | None = None
    """Before this moment."""
    minimum: Money | None = None
    maximum: Money | None = None
    text: str | None = None
    """Part of the memo, or of the other person's handle or display name, any case; as `parse_search` gives it."""

    @property
    def restricts(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.since or self.before) or self.restricts_rows

    @property
    def restricts_rows(self) -> bool:
        """Whether anything but the period, which is a range of entry numbers, restricts."""
        return any((self.direction, self.counterparty, self.kind, self.minimum, self.maximum, self.text))


def history(
    session: Session, viewer: Viewer, wanted: HistoryFilter, *, currency: Currency, first: int = PAYMENTS_PER_PAGE,
    before_number: int | None = None,
) -> PaymentPage:
    """A page of the wallet's payments, newest first; page 1 and the last page cost the same.

    Args:
        first: how many, 1 to MAXIMUM_PAYMENTS_PER_PAGE.
        before_number: the number that the page before ended with.
    """
    viewer.require(Scope.READ)
    check_page_size(first)
    if wanted.restricts:
        # As a literal, for a plan that is kept would otherwise be made for a tenth of all rows. It is an int, checked before.
        newest = _history(session, viewer, wanted, before_number).order_by(Entry.number.desc()).limit(literal_column(str(first + 1)))
        rows = session.execute(newest).all()
        return PaymentPage([payment_of(row, currency) for row in rows[:first]], more_follow=len(rows) > first)
    before = BEYOND_ALL_NUMBERS if before_number is None else before_number
    request = WalletRequest(account_id=viewer.account_id, before_number=before, first=first)
    (snapshot,) = read_wallets(session.connection(), [request], currency)
    if snapshot is None:
        raise RuntimeError("the wallet of a person who is signed in is not there")
    return snapshot.page


def recent_counterparties(session: Session, viewer: Viewer) -> list[Counterparty]:
    """The RECENT_PEOPLE with whom this person dealt last, newest first, as far as their RECENT_PAYMENTS last payments tell."""
    viewer.require(Scope.READ)
    rows = RECENT_COUNTERPARTIES.rows(session.connection(), account_id=viewer.account_id)
    return [
        Counterparty(username=username, display_name=display_name, joined_at=joined_at, is_operator=is_operator)
        for username, display_name, joined_at, is_operator in rows
    ]


def count_history(session: Session, viewer: Viewer, wanted: HistoryFilter) -> int:
    """How many payments `wanted` has. Free for a period; anything else walks through the wallet's history."""
    viewer.require(Scope.READ)
    if not wanted.restricts_rows:
        low, high = _number_range(session, viewer, wanted)
        return max(0, high - low)
    matching = _history(session, viewer, wanted, None).with_only_columns(func.count(), maintain_column_froms=True)
    return session.scalar(matching) or 0


def statement(session: Session, viewer: Viewer, wanted: HistoryFilter, *, currency: Currency) -> Iterator[Payment]:
    """Every payment that `wanted` has, oldest first, fetched page by page: a year of a shop fits the memory."""
    viewer.require(Scope.READ)
    rows = session.execute(
        _history(session, viewer, wanted, None).order_by(Entry.number), execution_options={"yield_per": STATEMENT_ROWS_PER_FETCH},
    )
    for row in rows:
        yield payment_of(row, currency)


def _recent_counterparties() -> PreparedStatement:
    newest = select(Entry).where(Entry.account_id == bindparam("account_id")).order_by(Entry.number.desc())
    taken = aliased(Entry, newest.limit(literal_column(str(RECENT_PAYMENTS))).subquery("taken"))
    return PreparedStatement("recent_counterparties", (
        select(User.username, User.display_name, User.joined_at, User.is_operator)
        .select_from(taken)
        .join(Transfer, Transfer.id == taken.transfer_id)
        .join(User, User.account_id == other_side(taken))
        .group_by(User.id)
        .order_by(func.max(taken.number).desc())
        .limit(literal_column(str(RECENT_PEOPLE)))
    ))


RECENT_COUNTERPARTIES: Final = _recent_counterparties()


def _history(session: Session, viewer: Viewer, wanted: HistoryFilter, before_number: int | None) -> Select[*tuple[Any, ...]]:
    low, high = _number_range(session, viewer, wanted)
    if before_number is not None:
        high = min(high, before_number - 1)
    return select_payments().where(Entry.account_id == viewer.account_id, Entry.number > low, Entry.number <= high, *_matches(wanted))


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
        found.append(User.username == wanted.counterparty)
    if wanted.kind:
        found.append(Transfer.kind == wanted.kind.lower())
    if wanted.minimum:
        found.append(Transfer.amount >= wanted.minimum.minor_units)
    if wanted.maximum:
        found.append(Transfer.amount <= wanted.maximum.minor_units)
    if wanted.text:
        columns = (Transfer.memo, User.username, User.display_name)
        anywhere = columns[0].icontains(wanted.text, autoescape=True)
        for column in columns[1:]:
            anywhere = anywhere | column.icontains(wanted.text, autoescape=True)
        found.append(anywhere)
    return found
