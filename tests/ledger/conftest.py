"""Owns the small hands that the ledger's tests share: accounts with money in them, and posting in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from app import ledger
from app.database import transact
from app.models import Account
from app.money import Currency, Money
from tests.ledger.groups import TransferRequest, post_many

if TYPE_CHECKING:
    from app.database import Sessions
    from app.errors import WalletError
    from app.ledger import Posting

GBP = Currency("GBP", 2)


class Book:
    """The ledger in a test: amounts are minor units."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions

    def wallet(self, minor_units: int = 0) -> int:
        account_id = transact(self.sessions, lambda session: ledger.open_account(session, GBP))
        if minor_units:
            issuance = transact(self.sessions, lambda session: ledger.issuance_account(session, GBP))
            self._post("issue", issuance, account_id, minor_units)
        return account_id

    def move(self, source: int, destination: int, minor_units: int, *, key: UUID | None = None, memo: str | None = None) -> Posting:
        return self._post("payment", source, destination, minor_units, key, memo)

    def move_many(self, wishes: list[TransferRequest], *, atomic: bool = False) -> list[Posting | WalletError]:
        return transact(self.sessions, lambda session: post_many(session, wishes, atomic=atomic))

    def give_back(self, payment: UUID, refunder: int, minor_units: int | None = None, *, key: UUID | None = None) -> Posting:
        amount = Money(minor_units, GBP) if minor_units is not None else None
        return transact(self.sessions, lambda session: ledger.refund(
            session, refund_id=key or uuid4(), payment_id=payment, refunder=refunder, amount=amount, currency=GBP, memo=None))

    def balance(self, account_id: int) -> int:
        with self.sessions() as session:
            return session.get_one(Account, account_id).balance

    def broken(self) -> list[str]:
        return [found.invariant for found in transact(self.sessions, ledger.verify)]

    def _post(
        self, kind: ledger.Kind, source: int, destination: int, minor_units: int, key: UUID | None = None, memo: str | None = None
    ) -> Posting:
        key = key or uuid4()
        return transact(self.sessions, lambda session: ledger.post(
            session, transfer_id=key, kind=kind, source=source, destination=destination, amount=Money(minor_units, GBP), memo=memo))


def wish(source: int, destination: int, minor_units: int, *, key: UUID | None = None, memo: str | None = None) -> TransferRequest:
    """A transfer for a group."""
    return TransferRequest(transfer_id=key or uuid4(), source=source, destination=destination, amount=Money(minor_units, GBP), memo=memo)


@pytest.fixture
def book(sessions: Sessions) -> Book:
    """The ledger of a fresh database."""
    return Book(sessions)
