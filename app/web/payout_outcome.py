"""Owns how the result of a payout is told: a sentence for each line, the counts, and a CSV file. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.errors import WalletError
from app.ledger import Posting
from app.web.statement import safe_cell, write_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.payments import Payout, PayoutLine

COLUMNS: Final = ("line", "username", "amount", "memo", "status", "reason", "reference", "balance_after")


@dataclass(frozen=True, slots=True, kw_only=True)
class LineOutcome:
    """A line of the file, and what became of it."""

    line: PayoutLine
    outcome: Posting | WalletError

    @property
    def problem(self) -> str | None:
        """Why it was not paid; None if it is paid."""
        return self.outcome.user_message if isinstance(self.outcome, WalletError) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutOutcome:
    """The result of a whole payout, for the page and the CSV file."""

    lines: list[LineOutcome]
    payout: Payout

    @property
    def refused(self) -> list[LineOutcome]:
        """The lines that were not paid."""
        return [each for each in self.lines if each.problem]

    @property
    def paid_count(self) -> int:
        """How many lines are paid, now or before."""
        return len(self.lines) - len(self.refused)

    @property
    def replayed_count(self) -> int:
        """How many of them were paid before."""
        return sum(isinstance(each.outcome, Posting) and each.outcome.replayed for each in self.lines)

    def as_csv(self) -> str:
        """Every line with its status, for a spreadsheet. No text from a person can run as a formula in it."""
        return write_table([COLUMNS, *(_cells(each) for each in self.lines)])


def outcome_of(lines: Sequence[PayoutLine], payout: Payout) -> PayoutOutcome:
    """The result of these lines."""
    found = [LineOutcome(line=line, outcome=outcome) for line, outcome in zip(lines, payout.outcomes, strict=True)]
    return PayoutOutcome(lines=found, payout=payout)


def _cells(each: LineOutcome) -> tuple[str, ...]:
    line, outcome = each.line, each.outcome
    told = (str(line.number), safe_cell(line.to), safe_cell(line.amount), safe_cell(line.memo))
    if isinstance(outcome, WalletError):
        return (*told, "not paid", outcome.user_message, "", "")
    return (*told, "paid", "", str(outcome.transfer_id), outcome.source_balance.amount)
