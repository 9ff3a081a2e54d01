"""Owns the order of measuring: every round runs each subject once, so that a noisy moment of the machine falls on all of them."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from tests.load.measuring import WrongResultError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.load.measuring import Figures
    from tests.load.stage import Stage

WARM_UP_SECONDS: Final = 1
Say = Callable[[str], None]
"""Told a line of progress."""


@dataclass(frozen=True)
class Subject:
    """Something to measure."""

    name: str
    group: str
    measure: Callable[[Stage, float], Figures]


@dataclass(frozen=True)
class Found:
    """A median, and the least and the most of all rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Found:
        listed = list(values)
        return cls(median(listed), min(listed), max(listed))


class Results:
    """What every round found about every subject."""

    def __init__(self) -> None:
        self._figures: defaultdict[str, list[Figures]] = defaultdict(list)
        self.facts: dict[str, Found] = {}
        """What is measured once and has no rate: start-up time, memory."""
        self.failures: dict[str, str] = {}
        """Subjects that were answered wrongly, and how; their speed means nothing, so it is not kept."""

    def add(self, name: str, figures: Figures) -> None:
        """Keep what a round found."""
        self._figures[name].append(figures)

    def fail(self, name: str, why: str) -> None:
        """Give a subject up."""
        self.failures[name] = why
        self._figures.pop(name, None)

    @property
    def names(self) -> list[str]:
        """The subjects, in the order of their first measurement."""
        return list(self._figures)

    def all(self, name: str) -> list[Figures]:
        """What each round found about a subject; empty when it was not measured."""
        return self._figures.get(name, [])

    def found(self, name: str, field: str = "rate") -> Found | None:
        """One figure of a subject over all rounds; None when it was not measured."""
        values = [value for each in self.all(name) if (value := getattr(each, field)) is not None]
        return Found.of(values) if values else None

    def ratio(self, name: str, of: str, field: str = "rate", of_field: str | None = None) -> Found | None:
        """One figure of a subject in parts of another's, round by round; None when one of them was not measured.

        Both ran seconds apart in each round, so the machine's mood cancels out better than between two medians.
        """
        return self._compared(lambda above, below: above / below, name, of, field, of_field)

    def beyond(self, name: str, of: str, field: str) -> Found | None:
        """How much more one figure of a subject is than another's, as `ratio`."""
        return self._compared(lambda above, below: above - below, name, of, field)

    def _compared(
        self, compare: Callable[[float, float], float], name: str, of: str, field: str, of_field: str | None = None
    ) -> Found | None:
        pairs = zip(self.all(name), self.all(of), strict=False)
        values = [
            compare(above, below) for mine, other in pairs
            if (above := getattr(mine, field)) is not None and (below := getattr(other, of_field or field))
        ]
        return Found.of(values) if values else None


def run(
    stage: Stage, subjects: list[Subject], *, rounds: int, seconds: float, say: Say, limit_seconds: float = 3600,
) -> Results:
    """Warm everything up, then measure each subject once in each round. Says a line for each measurement.

    A subject that is answered wrongly is given up, and the others go on. After `limit_seconds` no other measurement is begun.
    """
    results = Results()
    limit = time.monotonic() + limit_seconds
    for number in range(rounds + 1):
        for place, subject in enumerate(subjects, start=1):
            if subject.name in results.failures:
                continue
            if time.monotonic() > limit:
                say(f"time is up in round {number}, before {subject.name}")
                return results
            try:
                figures = subject.measure(stage, seconds if number else WARM_UP_SECONDS)
            except WrongResultError as error:
                results.fail(subject.name, str(error))
                say(f"{subject.name} is given up: {error}")
                continue
            if number:
                results.add(subject.name, figures)
            say(f"{f'round {number}/{rounds}' if number else 'warm-up'}, {place}/{len(subjects)}: {line_of(subject.name, figures)}")
    return results


def line_of(name: str, figures: Figures) -> str:
    """A measurement in one line."""
    parts = [f"{name}: {figures.rate:,.0f}/s", f"mean {figures.mean_ms:.2f} ms"]
    if figures.p99_ms is not None:
        parts.append(f"p50 {figures.p50_ms:.2f}, p99 {figures.p99_ms:.2f}")
    if figures.app_cpu_ms is not None:
        parts.append(f"app {figures.app_cpu_ms:.3f} ms CPU")
    if figures.database_cpu_ms is not None:
        parts.append(f"PostgreSQL {figures.database_cpu_ms:.3f} ms CPU")
    return " · ".join(parts)
