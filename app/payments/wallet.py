"""Owns the wallet itself: its balance and status now, and its balance at the end of each day. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, select, text

from app.database import PreparedStatement
from app.errors import InvalidInputError
from app.identity import Scope
from app.models import Account
from app.money import Currency, Money

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity import Viewer

MAXIMUM_BALANCE_DAYS: Final = 366

WALLET: Final = PreparedStatement("wallet", select(Account.balance, Account.status).where(Account.id == bindparam("account_id")))
# A day is UTC's. Each day's end is found by binary search over the entry numbers, so it does not matter how long the history is.
BALANCE_HISTORY: Final = PreparedStatement("balance_history", text("""
    SELECT day AS date, coalesce((
        SELECT balance_after FROM ledger.entries WHERE account_id = :account_id
            AND number = ledger.entry_number_at(:account_id, day + interval '1 day' - interval '1 microsecond')
    ), 0) AS balance
    FROM generate_series(1 - CAST(:days AS integer), 0) AS ago
    CROSS JOIN LATERAL (SELECT date_trunc('day', now(), 'UTC') + make_interval(days => ago) AS day) AS days
    ORDER BY day
"""))


class WalletStatus(StrEnum):
    """What the ledger calls it, in the API's letters."""

    OPEN = "OPEN"
    FROZEN = "FROZEN"
    OUTGOING_FROZEN = "OUTGOING_FROZEN"
    CLOSED = "CLOSED"


STATUSES: Final = {status.lower(): status for status in WalletStatus}


@dataclass(frozen=True, slots=True)
class Wallet:
    """A person's account as they see it."""

    balance: Money
    status: WalletStatus


@dataclass(frozen=True, slots=True)
class BalancePoint:
    """What a wallet held at the end of a day (today: holds now)."""

    date: datetime
    """The day's first moment, UTC."""
    balance: Money


def wallet(session: Session, viewer: Viewer, *, currency: Currency) -> Wallet:
    """Balance and status now. Raises: ForbiddenError without the scope READ."""
    viewer.require(Scope.READ)
    ((balance, status),) = WALLET.rows(session.connection(), account_id=viewer.account_id)
    return wallet_of(balance, status, currency)


def wallet_of(balance: int, status: str, currency: Currency) -> Wallet:
    """An account's columns as its owner's wallet."""
    return Wallet(Money(balance, currency), STATUSES[status])


def balance_history(session: Session, viewer: Viewer, *, days: int, currency: Currency) -> list[BalancePoint]:
    """The balance at the end of each of the last `days` days, oldest first, today last.

    Raises: InvalidInputError unless 1 <= days <= MAXIMUM_BALANCE_DAYS, ForbiddenError without the scope READ.
    """
    viewer.require(Scope.READ)
    if not 1 <= days <= MAXIMUM_BALANCE_DAYS:
        raise InvalidInputError(user_message=f"The chart has 1 to {MAXIMUM_BALANCE_DAYS} days.", field="days")
    rows = BALANCE_HISTORY.rows(session.connection(), days=days, account_id=viewer.account_id)
    return [BalancePoint(date, Money(balance, currency)) for date, balance in rows]
