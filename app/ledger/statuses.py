"""Owns what the status of an account lets through, for what is told before anything moves. The ledger's SQL holds the same rule."""

from __future__ import annotations

from typing import Final, Literal

Status = Literal["open", "frozen", "outgoing_frozen", "closed"]

# The operator may still issue, redeem and refund on a frozen account; nobody moves anything on a closed one.
MONEY_MAY_LEAVE: Final = frozenset({"open"})
MONEY_MAY_ARRIVE: Final = frozenset({"open", "outgoing_frozen"})
CLOSED: Final = "closed"
