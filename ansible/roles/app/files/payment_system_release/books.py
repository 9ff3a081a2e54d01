"""Owns the comparison of the books before and after a cut-over. Asks the database itself, not the release that is on trial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from payment_system_release.host import FailedError, run

# Each transfer is two entries, each account counts its own, and what people hold is what the issuing account owes.
ASKED: Final = "SELECT coalesce(sum(balance), 0) = 0, coalesce(sum(entry_count), 0)::bigint / 2, count(*) FROM ledger.accounts"


@dataclass(frozen=True)
class Books:
    """What the books say at a moment."""

    balanced: bool
    transfers: int
    accounts: int


def read_books() -> Books:
    """The books of this moment, in one statement. Raises: FailedError when they cannot be read."""
    program = ["psql", "--no-psqlrc", "--no-align", "--tuples-only", "--username=payment_system_owner", "--dbname=payment_system"]
    balanced, transfers, accounts = run([*program, "--command", ASKED], why="The books cannot be read").strip().split("|")
    return Books(balanced=balanced == "t", transfers=int(transfers), accounts=int(accounts))


def check_books(before: Books, after: Books) -> None:
    """Payments may have been made meanwhile; none may be gone. Raises: FailedError."""
    if not after.balanced:
        raise FailedError("The books do not balance any more. Run `payment-system ledger verify`, and see SECURITY.md.")
    if after.transfers < before.transfers or after.accounts < before.accounts:
        raise FailedError(
            f"The books had {before.transfers} transfers on {before.accounts} accounts before and have {after.transfers} on "
            f"{after.accounts} now. Run `payment-system ledger verify`, and see SECURITY.md.",
        )
