"""Money is shown with all its digits, and currencies come from Babel's table."""

from __future__ import annotations

from decimal import Decimal

import pytest
from babel.core import get_global
from babel.numbers import format_currency

from app.money import Currency, Money

GBP, JPY, KWD = Currency("GBP", 2), Currency("JPY", 0), Currency("KWD", 3)


@pytest.mark.parametrize(("money", "amount", "formatted"), [
    (Money(123450, GBP), "1234.50", "£1,234.50"), (Money(-300, GBP), "-3.00", "-£3.00"), (Money(0, GBP), "0.00", "£0.00"),
    (Money(-7, GBP), "-0.07", "-£0.07"), (Money(100, GBP), "1.00", "£1.00"), (Money(-1234, JPY), "-1234", "-JP¥1,234"),
    (Money(1234, JPY), "1234", "JP¥1,234"), (Money(1500, KWD), "1.500", "KWD1.500"),
])
def test_money_is_shown_with_all_its_digits(money: Money, amount: str, formatted: str) -> None:
    assert (money.amount, money.formatted) == (amount, formatted)


@pytest.mark.parametrize("minor_units", [0, 1, -1, 99, 100, 101, 999, 1000, 123_456, -123_456_789, 10**15])
def test_money_is_shown_as_babel_has_it_in_every_currency(minor_units: int) -> None:
    for code in get_global("all_currencies"):
        currency = Currency.named(code)
        exact = Decimal(minor_units).scaleb(-currency.exponent)
        assert Money(minor_units, currency).formatted == format_currency(exact, code, locale="en_GB")


def test_exponents_come_from_babels_table() -> None:
    assert [Currency.named(code).exponent for code in ("GBP", "JPY", "KWD")] == [2, 0, 3]
    with pytest.raises(LookupError, match="'XXQ' is not a currency"):
        Currency.named("XXQ")
