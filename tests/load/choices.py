"""Owns what `python -m tests.load` can be told, and how much each form of the bench measures."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class Choices:
    """How much is measured, and what is said of it."""

    short: bool
    only: str
    """Part of a subject's name or group; empty for all."""
    json: bool
    rounds: int
    seconds: float
    depths: tuple[int, ...]
    memory_after: tuple[int, ...]
    starts: int
    limit_seconds: float
    """No measurement is begun later than this after the first, on however slow a machine."""


FULL: Final = {"rounds": 3, "seconds": 3.0, "depths": (10**3, 10**5, 10**6, 10**7), "memory_after": (1_000, 10_000, 100_000), "starts": 3,
               "limit_seconds": 3000.0}
SHORT: Final = {"rounds": 2, "seconds": 1.0, "depths": (10**3, 10**5), "memory_after": (500, 2_000), "starts": 1,
                "limit_seconds": 130.0}


def read_choices(arguments: Sequence[str]) -> Choices:
    """What the command line asks for."""
    parser = ArgumentParser(prog="python -m tests.load", description="Measure the wallet against what its PostgreSQL can do.")
    parser.add_argument("--short", action="store_true", help="3 minutes: fewer and shorter rounds, histories of up to 100,000 entries")
    parser.add_argument("--only", default="", metavar="SUBJECT", help="only subjects with this in their name or group; writes no files")
    parser.add_argument("--json", action="store_true", help="print the results as JSON on standard output")
    given = parser.parse_args(arguments)
    size = SHORT if given.short else FULL
    return Choices(short=given.short, only=given.only, json=given.json, **size)  # type: ignore[arg-type] # the two above fit
