"""Owns the calls of the core that requests may share: a resolver asks for one thing, and need not know whether others wait for the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from app.payments import read_wallets, send_payments

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.money import Currency
    from app.payments import Order, Payer, Sent, WalletRequest, WalletSnapshot


class RequestFailedError(Exception):
    """Carries a failure of the whole request out of a field, of which it would else become the field's own.

    Args:
        failure: what happened.
    """

    def __init__(self, failure: Exception) -> None:
        self.failure = failure
        super().__init__(str(failure))


class Calls(Protocol):
    """How a resolver reaches the core. Raises: RequestFailedError where a shared call failed."""

    def send_payment(self, session: Session, payer: Payer, order: Order) -> Sent:
        """As `send_payments`, for one."""

    def read_wallet(self, session: Session, request: WalletRequest, currency: Currency) -> WalletSnapshot | None:
        """As `read_wallets`, for one."""


class DirectCalls:
    """Each call is made at once, for one request alone, in its own transaction."""

    def send_payment(self, session: Session, payer: Payer, order: Order) -> Sent:
        """As `send_payments`, for one."""
        (sent,) = send_payments(session.connection(), [(payer, order)])
        return sent

    def read_wallet(self, session: Session, request: WalletRequest, currency: Currency) -> WalletSnapshot | None:
        """As `read_wallets`, for one."""
        (snapshot,) = read_wallets(session.connection(), [request], currency)
        return snapshot
