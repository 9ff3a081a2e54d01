"""Owns parsing times and dates, from 1970 to 9999."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from app.errors import InvalidInputError
from app.single_line import trimmed

DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
HOUR_AND_MINUTE: Final = r"([01][0-9]|2[0-3]):[0-5][0-9]"
# Source: RFC 3339, section 5.6. The offset is required: a time without one is ambiguous. A leap second (60) is refused. A fraction has
# at most 9 digits, as many as computer clocks give.
TIMESTAMP_PATTERN: Final = re.compile(
    rf"(?P<second>{DATE}[Tt]{HOUR_AND_MINUTE}:[0-5][0-9])(\.(?P<fraction>[0-9]{{1,9}}))?(?P<offset>[Zz]|[+-]{HOUR_AND_MINUTE})",
)
DATE_PATTERN: Final = re.compile(DATE)
EARLIEST_YEAR: Final = 1970
# PostgreSQL's precision.
FRACTION_DIGITS: Final = 6


def parse_timestamp(text: object) -> datetime:
    """Parse a date and time of RFC 3339 with up to 9 fraction digits. Returns it in UTC.

    Digits beyond a microsecond are cut off, never rounded. White space at the ends is removed.

    Args:
        text: anything but a string is refused.

    Raises: InvalidInputError.
    """
    found = TIMESTAMP_PATTERN.fullmatch(trimmed(text)) if isinstance(text, str) else None
    try:
        if found is not None:
            fraction = (found["fraction"] or "").ljust(FRACTION_DIGITS, "0")[:FRACTION_DIGITS]
            timestamp = datetime.fromisoformat(f"{found['second'].upper()}.{fraction}{found['offset'].upper()}").astimezone(UTC)
            if timestamp.year >= EARLIEST_YEAR:
                return timestamp
    except (ValueError, OverflowError):  # 30 February; the last hours of the year 9999
        pass
    raise _refused(text, "That is not a date and time with its offset. Write it as 2026-11-22T18:30:00Z, from 1970 on.")


def parse_date(text: str) -> datetime:
    """Parse a date. Returns the start of that day in UTC. White space at the ends is removed.

    Raises: InvalidInputError.
    """
    written = trimmed(text)
    try:
        if DATE_PATTERN.fullmatch(written):
            day = datetime.fromisoformat(written).replace(tzinfo=UTC)
            if day.year >= EARLIEST_YEAR:
                return day
    except ValueError:  # 30 February
        pass
    raise _refused(text, "That is not a date. Write year, month and day, for example 2026-11-22, from 1970 on.")


def day_after(day: datetime) -> datetime:
    """The start of the next day. After the last day of the calendar, it is the maximum of datetime."""
    last = datetime.max.replace(tzinfo=UTC)
    return last if day.date() == last.date() else day + timedelta(days=1)


def _refused(text: object, message: str) -> InvalidInputError:
    # A value that is not text is not logged: a list may be nested too deeply for repr().
    return InvalidInputError(f"not a time: {text[:40]!r}" if isinstance(text, str) else f"{type(text).__name__} instead of text",
                             user_message=message)
