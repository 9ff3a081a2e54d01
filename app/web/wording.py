"""Owns how values read on a page: signed amounts, moments, initials, a person's colour. Pure; the templates call it."""

from __future__ import annotations

import zlib
from datetime import UTC
from itertools import groupby
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from app.money import Money
    from app.payments import Payment

MINUS_SIGN: Final = "\N{MINUS SIGN}"
# As many as static/css/people.css has; the policy forbids a style attribute, so each colour is a class.
TILE_COLOURS: Final = 12


def signed(money: Money) -> str:
    """An amount as "+£3.20" or with a real minus sign: the sign says it, the colour only repeats it."""
    unsigned = money.formatted.removeprefix("-")
    return f"{MINUS_SIGN if money.minor_units < 0 else '+'}{unsigned}"


def initials(display_name: str) -> str:
    """One or two letters of a name: of its first and its last word."""
    words = [word for word in display_name.split() if word[0].isalnum()] or [display_name]
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "")
    return letters.upper()


def colour(username: str) -> str:
    """The class of this person's colour: always the same for one handle."""
    return f"colour-{zlib.crc32(username.encode()) % TILE_COLOURS}"


def iso(moment: datetime) -> str:
    """For <time datetime>."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def day(moment: datetime | date) -> str:
    """"22 November 2026"."""
    return f"{moment.day} {moment:%B %Y}"


def clock(moment: datetime) -> str:
    """"23:05", UTC as all times here."""
    return f"{moment.astimezone(UTC):%H:%M}"


def full(moment: datetime) -> str:
    """"22 November 2026, 23:05 UTC"."""
    return f"{day(moment.astimezone(UTC))}, {clock(moment)} UTC"


def by_day(payments: Iterable[Payment]) -> list[tuple[date, list[Payment]]]:
    """The payments under the day of each, UTC, in the order given."""
    return [(when, list(group)) for when, group in groupby(payments, key=lambda each: each.created_at.astimezone(UTC).date())]


def browser(user_agent: str | None) -> str:
    """What a person would call the browser that sent this: "Firefox on Android"."""
    text = user_agent or ""
    name = next((label for mark, label in BROWSERS if mark in text), "A browser")
    system = next((label for mark, label in SYSTEMS if mark in text), None)
    return f"{name} on {system}" if system else name


# The first mark that is found counts: Edge and Opera call themselves Chrome too, and Chrome calls itself Safari.
BROWSERS: Final = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS: Final = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "Mac"), ("Linux", "Linux"),
)
