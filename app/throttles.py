"""Owns rate limits in PostgreSQL: the counts are shared by all processes and survive restarts. Knows no HTTP.

No library does this: `limits`, the base of Flask-Limiter, needs Redis, Memcached, MongoDB or etcd.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from app.database import PreparedStatement
from app.errors import RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

# Separates the parts of a key. No username and no address contains it.
KEY_SEPARATOR: Final = "\x00"

COUNT_ATTEMPTS: Final = PreparedStatement("count_attempts", text("""
    SELECT take_turn(array_agg(rule), array_agg(key), array_agg(each), array_agg(most))
    FROM unnest(CAST(:rules AS text[]), CAST(:keys AS bytea[]), CAST(:each AS double precision[]), CAST(:most AS integer[]),
        CAST(:from_unknown_place AS boolean[])) AS wanted (rule, key, each, most, from_unknown_place)
    WHERE NOT from_unknown_place
        OR NOT EXISTS (SELECT FROM throttles AS held WHERE held.rule = :known AND held.key = :place AND held.empty_at > now())
"""))
REMEMBER: Final = PreparedStatement("remember", text("""
    INSERT INTO throttles (rule, key, empty_at) VALUES (:known, :place, now() + make_interval(secs => :seconds))
    ON CONFLICT (rule, key) DO UPDATE SET empty_at = excluded.empty_at RETURNING rule
"""))


@dataclass(frozen=True, slots=True)
class Rule:
    """A rate limit: this many attempts at once, and one more after each interval."""

    name: str
    attempts: int
    seconds_per_attempt: float


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt under one rule."""

    rule: Rule
    key: tuple[str, ...] = ()
    """Attempts with the same key are counted together."""
    from_unknown_place: bool = False
    """Whether the attempt is counted only if its place is unknown."""


@dataclass(frozen=True, slots=True)
class KnownPlace:
    """Where a person logged in before. Attempts elsewhere do not lock the person out there."""

    rule: str
    key: tuple[str, ...]


def count_attempts(session: Session, attempts: Sequence[Attempt], *, place: KnownPlace | None = None, scale: int = 1) -> None:
    """Count an attempt under all of these rules, or under none if one limit is reached. Runs one statement.

    A refused attempt is not counted, so it makes nobody wait longer.

    Args:
        attempts: each under another rule, and at least one without `from_unknown_place`.
        scale: multiplies the limits of all rules.

    Raises: RateLimitedError.
    """
    ((wait_seconds,),) = COUNT_ATTEMPTS.rows(
        session.connection(),
        rules=[attempt.rule.name for attempt in attempts],
        keys=[_digest(attempt.key) for attempt in attempts],
        each=[attempt.rule.seconds_per_attempt / scale for attempt in attempts],
        most=[attempt.rule.attempts * scale for attempt in attempts],
        from_unknown_place=[attempt.from_unknown_place for attempt in attempts],
        known=place.rule if place else "",
        place=_digest(place.key) if place else b"",
    )
    if wait_seconds:
        raise RateLimitedError(retry_after_seconds=math.ceil(wait_seconds))


def remember_place(session: Session, place: KnownPlace, *, seconds: int) -> None:
    """Store this place as known for so many seconds."""
    REMEMBER.rows(session.connection(), known=place.rule, place=_digest(place.key), seconds=seconds)


def _digest(key: tuple[str, ...]) -> bytes:
    return hashlib.sha256(KEY_SEPARATOR.join(key).encode()).digest()
