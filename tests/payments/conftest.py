"""Owns the small hands that the payments' tests share: Alice, Bob and the shop, a payment in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from app import payments
from app.amounts import parse_amount
from app.database import transact

if TYPE_CHECKING:
    from app.database import Sessions
    from app.identity import Viewer
    from app.payments import HistoryFilter, Payment, PaymentPage, Receipt
    from app.settings import Settings


class Till:
    """People who pay each other, amounts as they would write them."""

    def __init__(self, sessions: Sessions, settings: Settings) -> None:
        self.sessions, self.currency = sessions, settings.currency

    def pay(self, viewer: Viewer, to: str, amount: str, memo: str | None = None, key: UUID | None = None) -> Receipt:
        key, money = key or uuid4(), parse_amount(amount, self.currency)
        return transact(self.sessions, lambda session: payments.pay(session, viewer, idempotency_key=key, to=to, amount=money, memo=memo))

    def refund(self, viewer: Viewer, payment: UUID, amount: str | None = None, memo: str | None = None) -> Receipt:
        key, money = uuid4(), parse_amount(amount, self.currency) if amount else None
        return transact(self.sessions, lambda session: payments.refund(
            session, viewer, idempotency_key=key, payment_id=payment, amount=money, currency=self.currency, memo=memo))

    def find(self, viewer: Viewer, payment: UUID) -> Payment:
        return transact(self.sessions, lambda session: payments.find_payment(session, viewer, payment, currency=self.currency))

    def history(self, viewer: Viewer, wanted: HistoryFilter | None = None, **page: Any) -> PaymentPage:
        wanted = wanted or payments.HistoryFilter()
        return transact(self.sessions, lambda session: payments.history(session, viewer, wanted, currency=self.currency, **page))

    def memos(self, viewer: Viewer, wanted: HistoryFilter) -> list[str | None]:
        """The memos of what the filter finds, newest first; the count must agree."""
        found = [each.memo for each in self.history(viewer, wanted).payments]
        assert transact(self.sessions, lambda session: payments.count_history(session, viewer, wanted)) == len(found)
        return found


@pytest.fixture
def till(sessions: Sessions, settings: Settings) -> Till:
    """Where they pay."""
    return Till(sessions, settings)
