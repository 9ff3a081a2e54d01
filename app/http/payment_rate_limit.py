"""Owns the rate limit of payments for each person: a leaky bucket in memory, because another database round trip is too slow.

Each process counts for itself and starts again at zero. The limit stops one person or program from using the whole capacity;
it does not protect money, which the ledger does.
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

# Far more than a shop needs, and a tenth of what a small host can do.
PAYMENTS_AT_ONCE: Final = 2000
SECONDS_A_PAYMENT: Final = 0.005
# A payment in a payout costs a tenth of a single payment.
PAYMENTS_OF_A_PAYOUT_AS_ONE: Final = 10
MAXIMUM_PAYERS: Final = 10_000


class PaymentRateLimit:
    """Limits the payments of each payer.

    Args:
        scale: multiplies the number of payments that are allowed.
    """

    def __init__(self, *, scale: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds_a_payment = SECONDS_A_PAYMENT / scale
        self._full_seconds = PAYMENTS_AT_ONCE * SECONDS_A_PAYMENT
        self._empty_at: OrderedDict[Hashable, float] = OrderedDict()
        self._lock = Lock()

    def admit(self, payer: Hashable, payments: int = 1) -> None:
        """Count these payments, or refuse all of them.

        Args:
            payer: the user id, or the digest of the API token if the person is not known yet.

        Raises: RateLimitedError.
        """
        now = self._clock()
        with self._lock:
            empty_at = max(self._empty_at.get(payer, now), now) + payments * self._seconds_a_payment
            wait = empty_at - now - self._full_seconds
            if wait > self._seconds_a_payment / 2:  # sums of floats are not exact
                raise RateLimitedError(retry_after_seconds=math.ceil(wait))
            self._empty_at[payer] = empty_at
            self._empty_at.move_to_end(payer)
            if len(self._empty_at) > MAXIMUM_PAYERS:
                self._empty_at.popitem(last=False)

    def admit_payout(self, payer: Hashable, payments: int) -> None:
        """As `admit`, for the payments of one payout."""
        self.admit(payer, math.ceil(payments / PAYMENTS_OF_A_PAYOUT_AS_ONE))
