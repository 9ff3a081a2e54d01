"""Amounts are exact: a text that is not exactly an amount is refused with a sentence, and nothing is rounded."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, strategies

from app.amounts import MAXIMUM_AMOUNT_MINOR_UNITS, parse_amount, parse_amount_or_zero
from app.errors import InvalidAmountError
from app.money import Currency, Money

GBP, JPY, KWD = Currency("GBP", 2), Currency("JPY", 0), Currency("KWD", 3)

REFUSED = [
    "", " ", "-1", "-0.01", "+5", "NaN", "nan", "Infinity", "-Infinity", "inf", "1e5", "1E5", "1_000", "5,00", "1,000.00", "٥", "５", "²",
    "5\x1f", "0x10", "0b1", "0o7", "05", "00", ".5", "5.", "5..0", "5.0.0", "1 000", "£5", "5 GBP", "five", "1/2", "½",
    "5\x00", "9" * 33, "1" * 10_000, 5, 5.0, 0.1, True, None, [], ["5"], {}, {"amount": "5"}, b"5", float("nan"), 10**30,
]


@pytest.mark.parametrize("text", REFUSED, ids=[repr(each)[:20] for each in REFUSED])
def test_an_invalid_amount_is_refused_with_a_sentence(text: object) -> None:
    with pytest.raises(InvalidAmountError) as refused:
        parse_amount(text, GBP)
    assert (refused.value.code, refused.value.field) == ("INVALID_AMOUNT", "amount")
    assert refused.value.user_message.endswith(".")
    assert len(refused.value.user_message) > 20


@pytest.mark.parametrize(("text", "sentence"), [
    ("", "Enter an amount, for example 12.50."),
    ("-1", "An amount is never below zero. Leave out the minus sign."),
    ("\N{MINUS SIGN}1", "An amount is never below zero. Leave out the minus sign."),
    ("+1", "An amount needs no plus sign. Leave it out."),
    ("5,00", "Write the amount with a point and without commas, for example 12.50."),
    ("1.", "There is no digit after the point. Write 1."),
    (".5", "There is no digit before the point. Write 0.5."),
    ("00.10", "There are too many zeros at the beginning. Write 0.10."),
    ("00", "There are too many zeros at the beginning. Write 0."),
    ("1e5", "Write the amount with all its digits, for example 12.50."),
    ("1 000", "Write the amount without spaces, for example 12.50."),
    ("1.2.3", "An amount has one point at most, for example 12.50."),
    ("\uff15", "Write the amount with the digits 0 to 9, for example 12.50."),
    ("5\u200b", "The amount holds a character that does not show (U+200B, ZERO WIDTH SPACE). Type it again."),
    ("0", "The amount must be at least £0.01."),
    ("0.00", "The amount must be at least £0.01."),
    ("0.001", "GBP has at most 2 digits after the point. Nothing is rounded: write the exact amount."),
    ("10000000000.01", "The largest amount is £10,000,000,000.00. Write a smaller one."),
    ("9" * 40, "That is too long for an amount. Write at most 32 characters, for example 12.50."),
    ("five", "That is not an amount. Write only the number, for example 12.50."),
    (5, 'An amount is text such as "12.50", so that no digit is lost. Put it in quotes.'),
])
def test_each_refusal_says_what_to_do(text: object, sentence: str) -> None:
    with pytest.raises(InvalidAmountError) as refused:
        parse_amount(text, GBP)
    assert refused.value.user_message == sentence


@pytest.mark.parametrize(("text", "currency", "minor_units"), [
    ("0.01", GBP, 1), ("1", GBP, 100), ("1.5", GBP, 150), ("12.50", GBP, 1250), ("10000000000.00", GBP, MAXIMUM_AMOUNT_MINOR_UNITS),
    ("1", JPY, 1), ("1000000000000", JPY, MAXIMUM_AMOUNT_MINOR_UNITS), ("0.001", KWD, 1), ("1.5", KWD, 1500),
])
def test_an_amount_is_exact_in_minor_units(text: str, currency: Currency, minor_units: int) -> None:
    assert parse_amount(text, currency) == Money(minor_units, currency)


@pytest.mark.parametrize(("text", "minor_units"), [(" 5 ", 500), ("\t5\n", 500), ("\xa05\u3000", 500)])
def test_white_space_at_the_ends_of_an_amount_is_removed(text: str, minor_units: int) -> None:
    assert parse_amount(text, GBP) == Money(minor_units, GBP)


@pytest.mark.parametrize("text", ["0", "0.00", " 0.0 "])
def test_a_bound_of_a_filter_may_be_zero_and_an_amount_to_move_may_not(text: str) -> None:
    assert parse_amount_or_zero(text, GBP) == Money(0, GBP)
    with pytest.raises(InvalidAmountError):
        parse_amount(text, GBP)


@pytest.mark.parametrize(("text", "currency", "sentence"), [
    ("1,250", JPY, "Write the amount without commas, for example 1250."),
    ("five", JPY, "That is not an amount. Write only the number, for example 1250."),
    (".5", JPY, "JPY has no digits after a point. Write a whole number."),
    ("five", KWD, "That is not an amount. Write only the number, for example 1.250."),
])
def test_the_example_of_a_refusal_is_one_of_the_currency(text: str, currency: Currency, sentence: str) -> None:
    with pytest.raises(InvalidAmountError) as refused:
        parse_amount(text, currency)
    assert refused.value.user_message == sentence


def test_a_currency_without_minor_units_has_no_point() -> None:
    with pytest.raises(InvalidAmountError, match="fraction") as refused:
        parse_amount("1.0", JPY)
    assert refused.value.user_message == "JPY has no digits after a point. Write a whole number."


@given(strategies.integers(1, MAXIMUM_AMOUNT_MINOR_UNITS), strategies.sampled_from([GBP, JPY, KWD]))
def test_a_formatted_amount_is_parsed_to_the_same_value(minor_units: int, currency: Currency) -> None:
    assert parse_amount(Money(minor_units, currency).amount, currency).minor_units == minor_units


@given(strategies.text(max_size=40))
def test_no_text_breaks_the_parser_or_becomes_a_wrong_amount(text: str) -> None:
    try:
        money = parse_amount(text, GBP)
    except InvalidAmountError:
        return
    assert text.strip().isascii()
    assert 0 < money.minor_units <= MAXIMUM_AMOUNT_MINOR_UNITS
    assert Decimal(money.minor_units) == Decimal(text) * 100


def test_bug_money_was_a_float() -> None:
    tenth = parse_amount("0.10", GBP)
    assert Money(tenth.minor_units * 3, GBP).amount == "0.30"
    with pytest.raises(InvalidAmountError):
        parse_amount(0.1, GBP)
