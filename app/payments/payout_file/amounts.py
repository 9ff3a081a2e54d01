"""Owns what an amount in a file means: which decimal sign the file has, and every sum that a way of writing it could stand for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from app.amounts import parse_amount
from app.errors import InvalidAmountError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.money import Currency, Money

# What stands between thousands, somewhere in the world: the spaces are the plain, the unbreakable and the narrow one.
MARK: Final = re.compile(r"[.,'\u2019 \u00a0\u202f]")
DECIMAL: Final = re.compile(r"([0-9]+)([.,])([0-9]+)")
GROUPED: Final = re.compile(r"([1-9][0-9]{0,2}(?:([.,'\u2019 \u00a0\u202f])[0-9]{3})(?:\2[0-9]{3})*)(?:(?!\2)[.,]([0-9]+))?")
# "1.000": a thousand to one reader, one to another.
DOUBTFUL: Final = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
THREE_DIGITS: Final = 3
# In which the two go together in the world's spreadsheets. Asked only where no amount of the file shows its sign.
USUAL_SIGN: Final = {",": ".", ";": ","}


def decimal_sign(amounts: Iterable[str], separator: str) -> str | None:
    """The decimal sign of a file: that of its first amount in which no other reading is possible, else the usual one of its separator."""
    plain = (found[2] for text in amounts if (found := DECIMAL.fullmatch(text)) and not DOUBTFUL.fullmatch(text))
    return next(plain, USUAL_SIGN.get(separator))


def read_amount(text: str, sign: str | None, currency: Currency) -> Money:
    """The amount that the text states in a file with this decimal sign.

    Raises: InvalidAmountError, also where the text has a mark between thousands, or could have.
    """
    decimal = DECIMAL.fullmatch(text)
    doubtful = DOUBTFUL.fullmatch(text) is not None
    if decimal and not doubtful:
        if decimal[2] != sign:
            raise InvalidAmountError("another sign", user_message=_another_sign(decimal[2]))
        return parse_amount(f"{decimal[1]}.{decimal[3]}", currency)
    if decimal and currency.exponent >= THREE_DIGITS and decimal[2] == sign:
        return parse_amount(f"{decimal[1]}.{decimal[3]}", currency)
    if doubtful or GROUPED.fullmatch(text):
        raise InvalidAmountError("thousands", user_message=_with_thousands(text, currency))
    return parse_amount(text, currency)


def meanings(text: str, currency: Currency) -> list[Money]:
    """Every amount that somebody may mean by this number, in any country's way of writing."""
    written = [text] if text.isdecimal() else []
    if decimal := DECIMAL.fullmatch(text):
        fraction = decimal[3]
        # "1.000" is one pound to who writes three digits, though a pound has two.
        needless = not fraction[currency.exponent:].strip("0")
        fraction = fraction[:currency.exponent] if needless else fraction
        written.append(f"{decimal[1]}.{fraction}" if fraction else decimal[1])
    if grouped := GROUPED.fullmatch(text):
        whole = MARK.sub("", grouped[1])
        written.append(f"{whole}.{grouped[3]}" if grouped[3] else whole)
    found: dict[int, Money] = {}
    for each in written:
        try:
            money = parse_amount(each, currency)
        except InvalidAmountError:
            continue
        found[money.minor_units] = money
    return list(found.values())


def _another_sign(sign: str) -> str:
    this, other = ("point", "comma") if sign == "." else ("comma", "point")
    return f"This amount has a decimal {this}, and others of the file have a decimal {other}. Use one of them in the whole file."


def _with_thousands(text: str, currency: Currency) -> str:
    found = meanings(text, currency)
    written = " or ".join(each.amount for each in found)
    if len(found) > 1:
        return f"“{text}” could mean {' or '.join(each.formatted for each in found)}. Write {written}."
    if found and DOUBTFUL.fullmatch(text):
        return f"“{text}” means {found[0].formatted} in some countries and not in others. Write {written} if you mean that."
    return f"“{text}” has marks between thousands. Leave them out: write {written}." if found else InvalidAmountError.default_message
