"""Owns the subject `sendPayments`: many payments of one person in one request."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from app.api.schema import SCHEMA
from tests.load import asking
from tests.load.measuring import over_http
from tests.load.payments import DATABASE, PAYERS
from tests.load.rounds import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.load.measuring import Figures
    from tests.load.stage import Stage

SIZES: Final = (10, 100, 1000, 10_000)
CONNECTIONS: Final = 2


def subjects() -> Iterator[Subject]:
    """A payout of each size; none in a release whose API has no `sendPayments`."""
    if SCHEMA.mutation_type and "sendPayments" in SCHEMA.mutation_type.fields:
        for size in SIZES:
            yield Subject(name_of(size), "sendPayments", partial(payout, size=size))


def name_of(size: int) -> str:
    """What a payout of so many payments is called in the results."""
    return f"sendPayments of {size:,}, {CONNECTIONS} connections"


def payout(stage: Stage, seconds: float, *, size: int) -> Figures:
    """Each request by a random person to as many others; the rate counts payments."""
    request = asking.send_payments(PAYERS, PAYERS, size)
    return over_http(stage, DATABASE, [request], connections=CONNECTIONS, seconds=seconds, operations=size, posts=True)
