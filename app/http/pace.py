"""Owns how fast one person may pay in this process: counted in memory, because a payment has no round trip and no write to spare.

So each process counts for itself, and anew after a restart. It keeps one person, or a program gone wild, from taking the wallet from all
others; what guards money is the ledger.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Final

from app.errors import RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

# Far above any till, and a tenth of what a small host can do.
PAYMENTS_AT_ONCE: Final = 2000
SECONDS_A_PAYMENT: Final = 0.005
# Payments that come together cost so much less.
PAYMENTS_OF_A_PAYOUT_AS_ONE: Final = 10
MAXIMUM_PAYERS: Final = 10_000


class Pace:
    """Counts payments by whoever makes them.

    Args:
        scale: how many times as many payments are let through.
    """

    def __init__(self, *, scale: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds_a_payment = SECONDS_A_PAYMENT / scale
        self._full_seconds = PAYMENTS_AT_ONCE * SECONDS_A_PAYMENT
        self._empty_at: OrderedDict[Hashable, float] = OrderedDict()
        self._lock = Lock()

    def admit(self, payer: Hashable, payments: int = 1) -> None:
        """Count these payments, or none of them.

        Args:
            payer: the person's id, or what their API token is known by where the person is not known yet.

        Raises: RateLimitedError.
        """
        now = self._clock()
        with self._lock:
            empty_at = max(self._empty_at.get(payer, now), now) + payments * self._seconds_a_payment
            wait = empty_at - now - self._full_seconds
            if wait > self._seconds_a_payment / 2:  # sums of them are not exact
                raise RateLimitedError(retry_after_seconds=math.ceil(wait))
            self._empty_at[payer] = empty_at
            self._empty_at.move_to_end(payer)
            if len(self._empty_at) > MAXIMUM_PAYERS:
                self._empty_at.popitem(last=False)

    def admit_payout(self, payer: Hashable, payments: int) -> None:
        """As `admit`, for payments that are made in one call."""
        self.admit(payer, math.ceil(payments / PAYMENTS_OF_A_PAYOUT_AS_ONE))
