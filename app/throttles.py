"""Owns how often something may be tried: counted in PostgreSQL, for all processes together and over their restarts. Knows no HTTP.

No library: `limits`, which Flask-Limiter stands on, keeps its counts in Redis, Memcached, MongoDB or etcd, and this deployment has none.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from app.errors import RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

# What lies between the parts of a key: in no handle and no address.
BETWEEN: Final = "\x00"

TAKE: Final = text("""
    SELECT take_turn(array_agg(rule), array_agg(key), array_agg(each), array_agg(most))
    FROM unnest(CAST(:rules AS text[]), CAST(:keys AS bytea[]), CAST(:each AS double precision[]), CAST(:most AS integer[]),
        CAST(:of_strangers AS boolean[])) AS wanted (rule, key, each, most, of_strangers)
    WHERE NOT of_strangers
        OR NOT EXISTS (SELECT FROM throttles AS held WHERE held.rule = :known AND held.key = :place AND held.empty_at > now())
""")
REMEMBER: Final = text("""
    INSERT INTO throttles (rule, key, empty_at) VALUES (:known, :place, now() + make_interval(secs => :seconds))
    ON CONFLICT (rule, key) DO UPDATE SET empty_at = excluded.empty_at
""")


@dataclass(frozen=True, slots=True)
class Rule:
    """So many tries at once, and room for one more every so many seconds."""

    name: str
    tries: int
    seconds_a_try: float


@dataclass(frozen=True, slots=True)
class Turn:
    """One try, under one rule."""

    rule: Rule
    key: tuple[str, ...] = ()
    """Whose tries are counted together."""
    of_strangers: bool = False
    """Whether it is not counted where `take_turn` knows the place."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody succeeded before, so that strangers' tries elsewhere do not keep them out."""

    rule: str
    key: tuple[str, ...]


def take_turn(session: Session, turns: Sequence[Turn], *, place: Place | None = None, scale: int = 1) -> None:
    """Count one try under all of these rules, or under none when one of them has no room. One statement.

    What is refused is not counted: who goes on trying keeps nobody waiting longer, themselves not either.

    Args:
        turns: at least one of them not `of_strangers`; each of another rule.
        scale: how many times as many tries as the rules say.

    Raises: RateLimitedError.
    """
    waited: float | None = session.scalar(TAKE, {
        "rules": [turn.rule.name for turn in turns],
        "keys": [_digest(turn.key) for turn in turns],
        "each": [turn.rule.seconds_a_try / scale for turn in turns],
        "most": [turn.rule.tries * scale for turn in turns],
        "of_strangers": [turn.of_strangers for turn in turns],
        "known": place.rule if place else "",
        "place": _digest(place.key) if place else b"",
    })
    if waited:
        raise RateLimitedError(retry_after_seconds=math.ceil(waited))


def remember(session: Session, place: Place, *, seconds: int) -> None:
    """Know this place for so long."""
    session.execute(REMEMBER, {"known": place.rule, "place": _digest(place.key), "seconds": seconds})


def _digest(key: tuple[str, ...]) -> bytes:
    return hashlib.sha256(BETWEEN.join(key).encode()).digest()
