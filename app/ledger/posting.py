"""Owns moving money: each function is one call of a SQL function, one round trip, and turns a refusal into its error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from sqlalchemy import text

from app.errors import (
    BalanceTooLargeError,
    IdempotencyKeyReusedError,
    InsufficientFundsError,
    InvalidInputError,
    NotAttemptedError,
    NotFoundError,
    RefundTooLargeError,
    WalletClosedError,
    WalletError,
    WalletFrozenError,
)
from app.money import Currency, Money

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from app.database import NamedRow
    from app.ledger.statuses import Status

Kind = Literal["payment", "issue", "redeem"]
# The SQL function refuses more: its locks are held for all of the group, half a second for this many.
MAXIMUM_GROUP_ITEMS: Final = 10_000

POST = text(
    "SELECT posting.* FROM ledger.post_transfer(:transfer_id, :kind, :source, :destination, :amount, :memo) AS posting",
)
REFUND = text(
    "SELECT posting.* FROM ledger.refund_transfer(:refund_id, :payment_id, :refunder, :amount, :memo, :despite_freeze) AS posting",
)


class Posting(NamedTuple):
    """A transfer that is in the books, whether by this call or, `replayed`, by an earlier one with the same id."""

    transfer_id: UUID
    amount: Money
    source_balance: Money
    source_number: int
    destination_number: int
    created_at: datetime
    replayed: bool


def open_account(session: Session, currency: Currency) -> int:
    """A new, empty, open wallet; returns its account id."""
    return int(session.scalar(text("SELECT ledger.open_account(:currency)"), {"currency": currency.code}) or 0)


def issuance_account(session: Session, currency: Currency) -> int:
    """The account through which money of this currency enters and leaves; made at its first use."""
    return int(session.scalar(text("SELECT ledger.issuance_account(:currency)"), {"currency": currency.code}) or 0)


def set_status(session: Session, account_id: int, status: Status) -> bool:
    """Freeze or open a wallet, after any transfer that is under way on it. True when that changed something."""
    changed = session.scalar(text("SELECT ledger.set_status(:account_id, :status)"), {"account_id": account_id, "status": status})
    return bool(changed)


def post(
    session: Session, *, transfer_id: UUID, kind: Kind, source: int, destination: int, amount: Money, memo: str | None
) -> Posting:
    """Move `amount` once, however often it is called with this id.

    Args:
        transfer_id: made by the caller once for each transfer it means to make; it is the idempotency key.
        source: account id that the money leaves.
        destination: account id that it reaches, of the same currency.
        memo: 1 to 200 characters, or None.

    Raises: IdempotencyKeyReusedError, NotFoundError (no such account), WalletClosedError, WalletFrozenError, InsufficientFundsError,
        BalanceTooLargeError.
    """
    row = session.execute(POST, {
        "transfer_id": transfer_id, "kind": kind, "source": source, "destination": destination,
        "amount": amount.minor_units, "memo": memo,
    }).one()
    return posting_of(row, transfer_id, amount.currency_info)


def refund(
    session: Session, *, refund_id: UUID, payment_id: UUID, refunder: int, amount: Money | None, currency: Currency, memo: str | None,
    despite_freeze: bool = False,
) -> Posting:
    """Give back part or all of a payment that reached `refunder`; several times, never more than was paid.

    Args:
        refund_id: the refund's own id and idempotency key.
        refunder: account id of the payee, the only one who may.
        amount: None for all that is left.
        despite_freeze: for the operator, whom a freeze does not bind.

    Raises: as `post`, NotFoundError for a payment that did not reach `refunder`, RefundTooLargeError.
    """
    row = session.execute(REFUND, {
        "refund_id": refund_id, "payment_id": payment_id, "refunder": refunder,
        "amount": amount.minor_units if amount else None, "memo": memo, "despite_freeze": despite_freeze,
    }).one()
    return posting_of(row, refund_id, currency)


def posting_of(row: NamedRow, transfer_id: UUID, currency: Currency) -> Posting:
    """What a row with the columns of `ledger.posting` says of the transfer with this id. Raises: why it was refused."""
    if row.status in ("posted", "replayed"):
        return Posting(
            transfer_id=transfer_id, amount=Money(row.amount, currency), source_balance=Money(row.source_balance, currency),
            source_number=row.source_number, destination_number=row.destination_number, created_at=row.created_at,
            replayed=row.status == "replayed",
        )
    raise _refusal(row, currency)


def _refusal(row: NamedRow, currency: Currency) -> WalletError | RuntimeError:
    """A row of the SQL functions that refuses: the error to raise, a RuntimeError for a status that should not be."""
    error: WalletError | RuntimeError
    match row.status:
        case "held_back":
            error = NotAttemptedError()
        case "key_reused":
            error = IdempotencyKeyReusedError()
        case "frozen":
            error = WalletFrozenError()
        case "closed":
            error = WalletClosedError()
        case "insufficient_funds":
            error = InsufficientFundsError(
                balance=Money(row.source_balance, currency),
                shortfall=Money(row.amount - row.source_balance, currency),
            )
        case "balance_too_large":
            error = BalanceTooLargeError()
        case "refund_too_large":
            error = RefundTooLargeError(refundable=Money(row.refundable, currency))
        case "other_currency":
            error = InvalidInputError("ledger: other currency", user_message="The two wallets hold different currencies.")
        case "unknown_account" | "not_found":
            error = NotFoundError(f"ledger: {row.status}")
        case _:
            error = RuntimeError(f"the ledger answered {row.status!r}")
    return error
