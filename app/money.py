"""Owns exact money: integer minor units of one currency, formatted as exact decimal text. Knows no account and no database."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from babel.core import get_global
from babel.numbers import format_currency, get_currency_precision

FORMAT_LOCALE: Final = "en_GB"


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency of ISO 4217 and how many digits follow its decimal point (GBP 2, JPY 0, KWD 3)."""

    code: str
    exponent: int

    @classmethod
    def named(cls, code: str) -> Currency:
        """The currency of this ISO 4217 code.

        Raises: LookupError for a code that Babel does not know.
        Source: Unicode CLDR's currency data, as Babel ships it.
        """
        if code not in get_global("all_currencies"):
            raise LookupError(f"{code!r} is not a currency")
        return cls(code, get_currency_precision(code))


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount of one currency. It may be negative (a signed entry). An amount to move comes from `app.amounts`."""

    minor_units: int
    currency_info: Currency

    @property
    def currency(self) -> str:
        """The ISO 4217 code."""
        return self.currency_info.code

    @property
    def amount(self) -> str:
        """The exact decimal text with all its fraction digits: "12.50", "-3.00"."""
        exponent = self.currency_info.exponent
        if not exponent:
            return str(self.minor_units)
        digits = str(abs(self.minor_units)).zfill(exponent + 1)
        return f"{'-' if self.minor_units < 0 else ''}{digits[:-exponent]}.{digits[-exponent:]}"

    @property
    def formatted(self) -> str:
        """For people: "£1,234.50", as Babel has it, which takes fifty times as long."""
        whole = abs(self.minor_units)
        sign, exponent = "-" if self.minor_units < 0 else "", self.currency_info.exponent
        before = _before_amount(self.currency)
        if not exponent:
            return f"{sign}{before}{whole:,}"
        return f"{sign}{before}{whole // 10**exponent:,}.{whole % 10**exponent:0{exponent}}"


@cache
def _before_amount(code: str) -> str:
    """The sign of a currency, or its code and a space that does not break."""
    text: str = format_currency(0, code, locale=FORMAT_LOCALE)
    return text.partition("0")[0]
