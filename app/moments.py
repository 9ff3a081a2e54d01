"""Owns moments and days as text, from 1970 to 9999: no payment is older, and no calendar here goes on."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from app.errors import InvalidInputError
from app.lines import trimmed

DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
HOUR_AND_MINUTE: Final = r"([01][0-9]|2[0-3]):[0-5][0-9]"
# Source: RFC 3339, section 5.6. The offset is not left out: a time without one is a guess. Nor is there a 60th second, which not every
# reader knows; of a fraction there are as many digits as clocks of computers give.
MOMENT_PATTERN: Final = re.compile(
    rf"(?P<second>{DATE}[Tt]{HOUR_AND_MINUTE}:[0-5][0-9])(\.(?P<fraction>[0-9]{{1,9}}))?(?P<offset>[Zz]|[+-]{HOUR_AND_MINUTE})",
)
DATE_PATTERN: Final = re.compile(DATE)
EARLIEST_YEAR: Final = 1970
# PostgreSQL's grain of time.
FRACTION_DIGITS: Final = 6


def parse_moment(text: object) -> datetime:
    """The moment that `text` means, in UTC: a date and time of RFC 3339 with 1 to 9 digits of a fraction, or none.

    What is finer than a microsecond is cut off, never rounded. White space at its ends is left out.

    Args:
        text: anything but a string is refused.

    Raises: InvalidInputError.
    """
    found = MOMENT_PATTERN.fullmatch(trimmed(text)) if isinstance(text, str) else None
    try:
        if found is not None:
            fraction = (found["fraction"] or "").ljust(FRACTION_DIGITS, "0")[:FRACTION_DIGITS]
            moment = datetime.fromisoformat(f"{found['second'].upper()}.{fraction}{found['offset'].upper()}").astimezone(UTC)
            if moment.year >= EARLIEST_YEAR:
                return moment
    except (ValueError, OverflowError):  # the 30th of February; the last hours of the year 9999
        pass
    raise _refused(text, "That is not a date and time with its offset. Write it as 2026-11-22T18:30:00Z, from 1970 on.")


def parse_day(text: str) -> datetime:
    """The first moment, UTC, of the day that `text` means: year, month and day. White space at its ends is left out.

    Raises: InvalidInputError.
    """
    written = trimmed(text)
    try:
        if DATE_PATTERN.fullmatch(written):
            day = datetime.fromisoformat(written).replace(tzinfo=UTC)
            if day.year >= EARLIEST_YEAR:
                return day
    except ValueError:  # the 30th of February
        pass
    raise _refused(text, "That is not a date. Write year, month and day, for example 2026-11-22, from 1970 on.")


def day_after(day: datetime) -> datetime:
    """The first moment of the next day; of the calendar's last day, the last moment there is."""
    last = datetime.max.replace(tzinfo=UTC)
    return last if day.date() == last.date() else day + timedelta(days=1)


def _refused(text: object, message: str) -> InvalidInputError:
    # Of anything but text, not the value: a list in lists may be nested too deeply to be written down.
    return InvalidInputError(f"not a time: {text[:40]!r}" if isinstance(text, str) else f"{type(text).__name__} instead of text",
                             user_message=message)
