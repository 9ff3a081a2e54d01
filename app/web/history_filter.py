"""Owns the form of the history's filter: it turns what a person typed into the core's HistoryFilter."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from app.amounts import parse_amount_or_zero
from app.errors import InvalidInputError, error_field
from app.http import runtime
from app.identity import parse_username
from app.payments import Direction, HistoryFilter, PaymentKind
from app.single_line import parse_search, unless_blank
from app.timestamps import day_after, parse_date
from app.web.forms import FormErrors, text_of, texts_given

if TYPE_CHECKING:
    from collections.abc import Callable

FILTER_INPUTS: Final = ("text", "direction", "kind", "counterparty", "since", "until", "minimum", "maximum")

Value = TypeVar("Value")
Choice = TypeVar("Choice", bound=StrEnum)


def history_filter() -> HistoryFilter:
    """The filter that the form describes. A blank input does not restrict.

    Raises: FormRefusedError naming every input that cannot be read.
    """
    if not texts_given(FILTER_INPUTS):
        return HistoryFilter()
    problems = FormErrors()
    currency = runtime().settings.currency
    wanted = HistoryFilter(
        text=_read(problems, "text", parse_search),
        direction=_read(problems, "direction", partial(_choice, Direction)),
        kind=_read(problems, "kind", partial(_choice, PaymentKind)),
        counterparty=_read(problems, "counterparty", parse_username),
        since=_read(problems, "since", parse_date),
        # The end of that day: "to the 5th" includes the 5th.
        before=_read(problems, "until", lambda text: day_after(parse_date(text))),
        minimum=_read(problems, "minimum", partial(parse_amount_or_zero, currency=currency)),
        maximum=_read(problems, "maximum", partial(parse_amount_or_zero, currency=currency)),
    )
    problems.refuse_if_any()
    return wanted


def _read(problems: FormErrors, name: str, parse: Callable[[str], Value]) -> Value | None:
    with problems, error_field(name):
        return unless_blank(parse, text_of(name))
    return None


def _choice(choices: type[Choice], text: str) -> Choice:
    try:
        return choices(text)
    except ValueError:
        raise InvalidInputError(user_message="Choose one from the list.") from None
