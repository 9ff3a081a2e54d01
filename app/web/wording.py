"""Owns how values are written on a page: signed amounts, moments, initials, a person's colour. Pure. Each is a filter of the templates."""

from __future__ import annotations

import zlib
from datetime import UTC
from itertools import groupby
from typing import TYPE_CHECKING, Final

from app.payments import PaymentKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from app.money import Money
    from app.payments import Payment

MINUS_SIGN: Final = "\N{MINUS SIGN}"
# The number of colour classes in static/css/people.css. The content security policy forbids a style attribute.
TILE_COLOURS: Final = 12
# strftime is five times slower, and a page has up to fifty dates.
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)
# Parts of "2026-11-22T23:05:59.123+00:00".
DAY_END, SECONDS_END, CLOCK = len("2026-11-22"), len("2026-11-22T23:05:59"), slice(len("2026-11-22T"), len("2026-11-22T23:05"))


def signed(money: Money) -> str:
    """An amount as "+£3.20", or with a real minus sign. The sign has the meaning; the colour only repeats it."""
    unsigned = money.formatted.removeprefix("-")
    return f"{MINUS_SIGN if money.minor_units < 0 else '+'}{unsigned}"


def initials(display_name: str) -> str:
    """One or two letters: the first of the first word and of the last word."""
    words = [word for word in display_name.split() if word[0].isalnum()] or [display_name]
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "")
    return letters.upper()


def colour(username: str) -> str:
    """The CSS class of this person's colour. It is always the same for a username."""
    return f"colour-{zlib.crc32(username.encode()) % TILE_COLOURS}"


def iso(moment: datetime) -> str:
    """A moment for `<time datetime>`: "2026-11-22T23:05:59Z"."""
    return f"{moment.astimezone(UTC).isoformat()[:SECONDS_END]}Z"


def iso_day(moment: datetime | date) -> str:
    """A day for `<time datetime>`: "2026-11-22"."""
    return moment.isoformat()[:DAY_END]


def day(moment: datetime | date) -> str:
    """"22 November 2026"."""
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def clock(moment: datetime) -> str:
    """"23:05", UTC as all times here."""
    return moment.astimezone(UTC).isoformat()[CLOCK]


def full(moment: datetime) -> str:
    """"22 November 2026, 23:05 UTC"."""
    return f"{day(moment.astimezone(UTC))}, {clock(moment)} UTC"


def particulars(payment: Payment) -> str:
    """The second line of a payment in the history.

    The username is first: a narrow screen cuts the end, and anybody may choose any display name.
    """
    parts = (
        f"@{payment.counterparty_username}" if payment.counterparty_username else None,
        "Refund" if payment.kind is PaymentKind.REFUND else None,
        payment.memo,
        f"{payment.refunded.formatted} refunded" if payment.refunded_minor_units else None,
    )
    return " · ".join(part for part in parts if part)


def by_day(payments: Iterable[Payment]) -> list[tuple[date, list[Payment]]]:
    """The payments, grouped by their day in UTC. The order stays as given."""
    return [(when, list(group)) for when, group in groupby(payments, key=lambda each: each.created_at.astimezone(UTC).date())]


def browser(user_agent: str | None) -> str:
    """The usual name of the browser that sent this header: "Firefox on Android"."""
    text = user_agent or ""
    name = next((label for mark, label in BROWSERS if mark in text), "A browser")
    system = next((label for mark, label in SYSTEMS if mark in text), None)
    return f"{name} on {system}" if system else name


# The first match counts: the headers of Edge and Opera also contain "Chrome", and that of Chrome contains "Safari".
BROWSERS: Final = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS: Final = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "Mac"), ("Linux", "Linux"),
)
