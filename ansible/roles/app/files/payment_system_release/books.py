"""Owns the comparison of the books before and after a cut-over. Reads them by the release's own command."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from payment_system_release.host import FailedError, last_words

if TYPE_CHECKING:
    from payment_system_release.content import Release


@dataclass(frozen=True)
class Books:
    """What the books say at a moment."""

    balanced: bool
    transfers: int
    wallets: int


def read_books(release: Release) -> Books:
    """The trial balance of this moment. Raises: FailedError when it cannot be read."""
    done = release.flask("ledger", "trial-balance", "--json")
    try:
        found = json.loads(done.stdout)
        return Books(balanced=found["balanced"], transfers=found["transfers"], wallets=found["wallets"])
    except (ValueError, KeyError) as error:
        raise FailedError(f"The books cannot be read: {last_words(done.stderr)}") from error


def check_books(before: Books, after: Books) -> None:
    """Payments may have been made meanwhile; none may be gone. Raises: FailedError."""
    if not after.balanced:
        raise FailedError("The books do not balance any more. Run `payment-system ledger verify`, and see SECURITY.md.")
    if after.transfers < before.transfers or after.wallets < before.wallets:
        raise FailedError(
            f"The books had {before.transfers} transfers of {before.wallets} wallets before and have {after.transfers} of {after.wallets} "
            "now. Run `payment-system ledger verify`, and see SECURITY.md.",
        )
