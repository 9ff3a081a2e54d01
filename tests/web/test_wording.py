"""How values read on a page, and what a spreadsheet gets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.money import Currency, Money
from app.payments import BalancePoint
from app.web import wording
from app.web.chart import draw
from app.web.statement import safe_cell

GBP = Currency("GBP", 2)


@pytest.mark.parametrize(("minor_units", "text"), [
    (320, "+£3.20"), (-320, "\N{MINUS SIGN}£3.20"), (0, "+£0.00"), (-123456, "\N{MINUS SIGN}£1,234.56"),
])
def test_a_signed_amount_has_its_sign_before_the_currency(minor_units: int, text: str) -> None:
    assert wording.signed(Money(minor_units, GBP)) == text


@pytest.mark.parametrize(("name", "letters"), [
    ("Alice", "A"), ("ada lovelace", "AL"), ("Erin O’Neill", "EO"), ("A B C", "AC"), ("(Bob) Baker", "B"), ("...", "."),
    ("ß", "SS"), ("李 四", "李四"),
])
def test_initials_are_of_the_first_and_the_last_word(name: str, letters: str) -> None:
    assert wording.initials(name) == letters


def test_a_colour_stays_with_its_handle() -> None:
    assert wording.colour("alice") == wording.colour("alice")
    assert len({wording.colour(f"user{number}") for number in range(200)}) == wording.TILE_COLOURS


def test_a_moment_reads_as_utc() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    assert wording.full(moment) == "2 January 2026, 03:04 UTC"
    assert wording.iso(moment) == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize(("agent", "name"), [
    (None, "A browser"), ("curl/8", "A browser"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
    ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36", "Chrome on Android"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Safari/604.1", "Safari on iPhone"),
    ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0", "Edge on Windows"),
])
def test_a_browser_is_called_what_people_call_it(agent: str | None, name: str) -> None:
    assert wording.browser(agent) == name


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20A"])
def test_a_cell_that_a_spreadsheet_would_run_is_made_text(text: str) -> None:
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["", "Lunch", "1=1", "a-b", "£5"])
def test_any_other_cell_stays(text: str) -> None:
    assert safe_cell(text) == text


def test_a_balance_that_never_changed_is_a_level_line() -> None:
    points = [BalancePoint(datetime(2026, 1, day, tzinfo=UTC), Money(500, GBP)) for day in (1, 2, 3)]

    assert draw(points).line == "M0.0,60.0 L300.0,60.0 L600.0,60.0"
    assert draw(points[:1]).line == "M0.0,60.0"


def test_the_chart_reaches_from_the_lowest_to_the_highest() -> None:
    points = [BalancePoint(datetime(2026, 1, day, tzinfo=UTC), Money(units, GBP)) for day, units in ((1, 0), (2, 1000), (3, 500))]

    assert draw(points).line == "M0.0,114.0 L300.0,6.0 L600.0,60.0"
    assert draw(points).summary == "From £0.00 on 1 January 2026 to £5.00 today. The lowest was £0.00, the highest £10.00."
