"""Owns the bars: what the wallet must reach, as ratios within one run, so that a noisy machine can neither flatter nor shame it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from tests.load.payouts import name_of as payout_name
from tests.load.people import API_WALLET, HASH_ALONE, LOG_IN, PAGES, memory_name, page_name
from tests.load.reads import SHALLOW_ENTRIES, name_of, pay_name
from tests.load.rounds import Found

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.load.rounds import Results

LIMIT: Final = "pgbench payment, 16 clients"
LIMIT_ALONE: Final = "pgbench payment, 1 client"
AT_64: Final = "sendPayment, 64 connections"
ALONE: Final = "sendPayment, 1 connection"
SHOP: Final = "sendPayment to one shop, 64 connections"
DEEPEST: Final = 10**7
READ_DEPTH: Final = 10**5


class Side(Enum):
    """On which side of a bound to be."""

    AT_LEAST = "≥"
    AT_MOST = "≤"


AT_LEAST, AT_MOST = Side.AT_LEAST, Side.AT_MOST


@dataclass(frozen=True)
class Bar:
    """One thing to reach."""

    sentence: str
    bound: float
    side: Side
    unit: str
    measure: Callable[[Results], Found | None]

    def met(self, found: Found) -> bool:
        """Whether the median reaches it."""
        return found.median <= self.bound if self.side is AT_MOST else found.median >= self.bound


def _p99(results: Results) -> Found | None:
    return results.ratio(AT_64, AT_64, "p99_ms", "p50_ms")


def _pages(results: Results) -> Found | None:
    found = results.ratio(name_of("page 1", DEEPEST), name_of("last page", DEEPEST))
    # Whichever is the slower one: the bar is how far apart they are.
    return found and Found.of(sorted(max(each, 1 / each) for each in (found.median, found.least, found.most)))


def _page(page: str) -> Bar:
    return Bar(f"app CPU of the {page}, against the same person's wallet by the API", 3, AT_MOST, "×",
               lambda results: results.ratio(page_name(page), API_WALLET, "app_cpu_ms"))


def _memory(results: Results) -> Found | None:
    before, after = (results.facts.get(memory_name(count)) for count in (10_000, 100_000))
    if before is None or after is None:
        return None
    return Found.of((late / early - 1) * 100 for early, late in (
        (before.median, after.median), (before.least, after.least), (before.most, after.most)))


BARS: Final = (
    Bar("`sendPayment` over HTTP, 64 connections, against the function under pgbench, 16 clients", 0.70, AT_LEAST, "×",
        lambda results: results.ratio(AT_64, LIMIT)),
    Bar("the same, 1 connection: latency against pgbench's with 1 client", 3, AT_MOST, "×",
        lambda results: results.ratio(ALONE, LIMIT_ALONE, "mean_ms")),
    Bar("all 64 pay one shop, against the spread-out case", 0.90, AT_LEAST, "×", lambda results: results.ratio(SHOP, AT_64)),
    Bar("app CPU for one `sendPayment` at 64 connections", 0.4, AT_MOST, "ms", lambda results: results.found(AT_64, "app_cpu_ms")),
    Bar("p99 at 64 connections, against p50", 5, AT_MOST, "×", _p99),
    Bar("`sendPayments` of 1,000, in payments/s, against pgbench's single payments", 3, AT_LEAST, "×",
        lambda results: results.ratio(payout_name(1000), LIMIT)),
    Bar("payment rate beside 10⁷ entries, against 10³", 0.80, AT_LEAST, "×",
        lambda results: results.ratio(pay_name(DEEPEST), pay_name(SHALLOW_ENTRIES))),
    Bar("history of 10⁷ entries: page 1 and the last page apart", 2, AT_MOST, "×", _pages),
    Bar("wallet read over HTTP at 10⁵ entries, against the same SQL under pgbench", 0.25, AT_LEAST, "×",
        lambda results: results.ratio(name_of("wallet", READ_DEPTH), name_of("wallet", READ_DEPTH, "pgbench"))),
    *(_page(page) for page in PAGES),
    Bar("app CPU of a login, beyond the same Argon2id hash verified in plain Python", 1, AT_MOST, "ms",
        lambda results: results.beyond(LOG_IN, HASH_ALONE, "app_cpu_ms")),
    Bar("memory a worker, from 10,000 to 100,000 requests: growth", 5, AT_MOST, "%", _memory),
)


def rows(results: Results) -> list[tuple[str, str, str, str]]:
    """For each bar: what it is about, the bar, what was measured with its range, and whether that is enough."""
    return [(bar.sentence, f"{bar.side.value} {_shown(bar.bound, bar.unit)}", *_verdict(bar, bar.measure(results)))
            for bar in BARS]


def _verdict(bar: Bar, found: Found | None) -> tuple[str, str]:
    if found is None:
        return "–", "not measured"
    shown = f"{_shown(found.median, bar.unit)} ({found.least:.2f}–{found.most:.2f})"
    return shown, "met" if bar.met(found) else "**not met**"


def _shown(value: float, unit: str) -> str:
    return f"{value:.2f}{'' if unit == '×' else ' '}{unit}"
