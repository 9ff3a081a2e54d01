"""Owns the demo's books in memory: applies each action by the ledger's rules, and collects the rows to store.

Amounts are given in hundredths and kept in the currency's minor units. This module stores nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from app.demo.year import Action, Payment, PayOut, Refund, TopUp

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from app.money import Currency

ISSUANCE: Final = None
"""Used instead of a username: the issuance account, through which money enters and leaves."""
Owner = str | None
CLOCK_STEP: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A row of the ledger's transfers. Accounts are named by their owners."""

    id: UUID
    kind: str
    source: Owner
    destination: Owner
    amount: int
    memo: str
    refund_of: UUID | None
    source_number: int
    destination_number: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the ledger's entries. The account is named by its owner."""

    owner: Owner
    number: int
    transfer_id: UUID
    amount: int
    balance_after: int
    created_at: datetime


@dataclass(slots=True)
class Books:
    """The history so far. Only the issuance account is below zero. The entries of an account are in the order of time."""

    currency: Currency
    random: Random
    balances: Counter[Owner] = field(default_factory=Counter)
    entry_counts: Counter[Owner] = field(default_factory=Counter)
    transfers: list[Transfer] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    opened_at: dict[Owner, datetime] = field(default_factory=dict)
    last_entry_at: dict[Owner, datetime] = field(default_factory=dict)
    stored: set[UUID] = field(default_factory=set)

    def apply(self, action: Action) -> None:
        """Apply the action, or do nothing if the money is not there."""
        match action:
            case TopUp(at, username, amount, memo):
                self._move(at, "issue", source=ISSUANCE, destination=username, amount=self._minor_units(amount), memo=memo)
            case PayOut(at, username, keep, memo):
                surplus = self.balances[username] - self._minor_units(keep)
                self._move(at, "redeem", source=username, destination=ISSUANCE, amount=surplus, memo=memo)
            case Payment(at, payer, payee, amount, memo, payment_id):
                self._move(at, "payment", source=payer, destination=payee, amount=self._minor_units(amount), memo=memo,
                           transfer_id=payment_id)
            case Refund(at, payment, amount, memo) if payment.id in self.stored:
                self._move(at, "refund", source=payment.payee, destination=payment.payer, amount=self._minor_units(amount),
                           memo=memo, refund_of=payment.id)

    def _minor_units(self, hundredths: int) -> int:
        # At least 1: in a currency without fraction digits a small amount would be 0.
        return max(1, int(hundredths * 10**self.currency.exponent) // 100)

    def _move(
        self, at: datetime, kind: str, *, source: Owner, destination: Owner, amount: int, memo: str,
        transfer_id: UUID | None = None, refund_of: UUID | None = None,
    ) -> None:
        if amount <= 0 or (source is not ISSUANCE and self.balances[source] < amount):
            return
        if self.transfers:
            at = max(at, self.transfers[-1].created_at + CLOCK_STEP)
        transfer_id = transfer_id or UUID(int=self.random.getrandbits(128), version=4)
        for owner, signed in ((source, -amount), (destination, amount)):
            self.opened_at.setdefault(owner, at)
            self.last_entry_at[owner] = at
            self.balances[owner] += signed
            self.entry_counts[owner] += 1
            self.entries.append(Entry(owner, self.entry_counts[owner], transfer_id, signed, self.balances[owner], at))
        self.transfers.append(Transfer(
            id=transfer_id, kind=kind, source=source, destination=destination, amount=amount, memo=memo, refund_of=refund_of,
            source_number=self.entry_counts[source], destination_number=self.entry_counts[destination], created_at=at,
        ))
        self.stored.add(transfer_id)
