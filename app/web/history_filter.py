"""Owns the history's filter as a form: from what a person typed to the core's HistoryFilter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

from app.errors import InvalidInputError, WalletError
from app.http import wave
from app.identity import parse_username
from app.money import Money, parse_amount
from app.payments import Direction, HistoryFilter, PaymentKind
from app.web.forms import Problems, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

FILTER_INPUTS: Final = ("text", "direction", "kind", "counterparty", "since", "until", "minimum", "maximum")
# No payment is older than the wallet, and dates near the calendar's ends cannot be reckoned with.
EARLIEST_YEAR: Final = 1970
LATEST_YEAR: Final = 9000

Value = TypeVar("Value")
Choice = TypeVar("Choice", bound=StrEnum)


def history_filter() -> HistoryFilter:
    """What the filter's form says.

    Raises: FormRefusedError naming every input that cannot be read.
    """
    problems = Problems()
    wanted = HistoryFilter(
        text=text_of("text") or None,
        direction=_read(problems, "direction", lambda text: _choice(Direction, text)),
        kind=_read(problems, "kind", lambda text: _choice(PaymentKind, text)),
        counterparty=_read(problems, "counterparty", lambda text: parse_username(text.removeprefix("@"))),
        since=_read(problems, "since", _day),
        # To the end of that day: a person who writes "to the 5th" means the 5th as well.
        before=_read(problems, "until", lambda text: _day(text) + timedelta(days=1)),
        minimum=_read(problems, "minimum", _amount),
        maximum=_read(problems, "maximum", _amount),
    )
    problems.refuse_if_any()
    return wanted


def _read(problems: Problems, name: str, read: Callable[[str], Value]) -> Value | None:
    text = text_of(name).strip()
    with problems:
        try:
            return read(text) if text else None
        except WalletError as error:
            error.field = name
            raise
    return None


def _choice(choices: type[Choice], text: str) -> Choice:
    try:
        return choices(text)
    except ValueError:
        raise InvalidInputError(user_message="Choose one from the list.") from None


def _day(text: str) -> datetime:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise _not_a_date() from None
    if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
        raise _not_a_date()
    return day


def _not_a_date() -> InvalidInputError:
    return InvalidInputError(user_message="Write the date as year, month and day, for example 2026-11-22.")


def _amount(text: str) -> Money:
    return parse_amount(text, wave().settings.currency)
