"""Owns parsing amounts: a text is read exactly, or refused with a sentence that says what is wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from app.errors import InvalidAmountError
from app.money import Money
from app.single_line import hidden_character, trimmed

if TYPE_CHECKING:
    from app.money import Currency

# 10^12 minor units, £10,000,000,000.00: more than any payment. A bigint holds nine million times as much.
MAXIMUM_AMOUNT_MINOR_UNITS: Final = 10**12
MAXIMUM_AMOUNT_CHARACTERS: Final = 32
# ASCII digits only: \d would match the digits of every script. Source: the number of RFC 8259.
AMOUNT_PATTERN: Final = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]+))?")
# Only digits and one point: almost an amount.
DIGITS_AND_POINT: Final = re.compile(r"[0-9]+\.?[0-9]*|\.[0-9]+")


def parse_amount(text: object, currency: Currency) -> Money:
    """Parse an amount to move: above zero, at most the maximum, never rounded.

    Args:
        text: such as "12.50"; white space at the ends is removed. Anything but a string is refused, also a JSON number: most clients
            treat it as a float.
        currency: decides how many fraction digits are allowed.

    Raises: InvalidAmountError with a sentence for the person who typed it.
    Source: docs/how-it-works.md, "How money is kept safe", 1.
    """
    amount = parse_amount_or_zero(text, currency)
    if amount.minor_units == 0:
        raise InvalidAmountError("zero", user_message=f"The amount must be at least {Money(1, currency).formatted}.")
    return amount


def parse_amount_or_zero(text: object, currency: Currency) -> Money:
    """As `parse_amount`, but zero is allowed: for the bounds of a filter and the opening balance. Raises: InvalidAmountError."""
    if not isinstance(text, str):
        raise InvalidAmountError(f"{type(text).__name__} instead of text", user_message=_AS_TEXT)
    written = trimmed(text)
    match = AMOUNT_PATTERN.fullmatch(written) if len(written) <= MAXIMUM_AMOUNT_CHARACTERS else None
    if match is None:
        detail = f"not an amount: {written[:MAXIMUM_AMOUNT_CHARACTERS]!r}"
        raise InvalidAmountError(detail, user_message=_why_malformed(written, currency))
    whole, fraction = match.group(1), match.group(2) or ""
    if len(fraction) > currency.exponent:
        raise InvalidAmountError("too many fraction digits", user_message=_fraction_rule(currency))
    minor_units = int(whole + fraction.ljust(currency.exponent, "0"))
    if minor_units > MAXIMUM_AMOUNT_MINOR_UNITS:
        maximum = Money(MAXIMUM_AMOUNT_MINOR_UNITS, currency).formatted
        raise InvalidAmountError("above the maximum", user_message=f"The largest amount is {maximum}. Write a smaller one.")
    return Money(minor_units, currency)


_AS_TEXT: Final = 'An amount is text such as "12.50", so that no digit is lost. Put it in quotes.'


def _fraction_rule(currency: Currency) -> str:
    if currency.exponent == 0:
        return f"{currency.code} has no digits after a point. Write a whole number."
    return f"{currency.code} has at most {currency.exponent} digits after the point. Nothing is rounded: write the exact amount."


def _why_malformed(text: str, currency: Currency) -> str:
    """The sentence for the first problem of this text."""
    example = Money(1250, currency).amount
    if not text:
        return f"Enter an amount, for example {example}."
    if len(text) > MAXIMUM_AMOUNT_CHARACTERS:
        return f"That is too long for an amount. Write at most {MAXIMUM_AMOUNT_CHARACTERS} characters, for example {example}."
    hidden = hidden_character(text)
    if hidden:
        return f"The amount holds a character that does not show ({hidden}). Type it again."
    if DIGITS_AND_POINT.fullmatch(text):
        return _why_incomplete(text, currency)
    if "," in text:
        return f"Write the amount {'with a point and ' if currency.exponent else ''}without commas, for example {example}."
    return next((sentence for pattern, sentence in _WRONG if pattern.search(text)), _NO_AMOUNT).format(example)


def _why_incomplete(text: str, currency: Currency) -> str:
    whole, _, fraction = text.partition(".")
    if len(fraction) > currency.exponent:
        return _fraction_rule(currency)
    meant = (whole.lstrip("0") or "0") + ("." if fraction else "") + fraction
    if not whole:
        return f"There is no digit before the point. Write {meant}."
    if len(whole) > 1 and whole.startswith("0"):
        return f"There are too many zeros at the beginning. Write {meant}."
    return f"There is no digit after the point. Write {meant}."


_NO_AMOUNT: Final = "That is not an amount. Write only the number, for example {}."
# The first one that matches is shown.
_WRONG: Final = tuple((re.compile(pattern), sentence) for pattern, sentence in (
    (r"^[-\u2212]", "An amount is never below zero. Leave out the minus sign."),
    (r"^\+", "An amount needs no plus sign. Leave it out."),
    (r"(?=[^0-9])\d", "Write the amount with the digits 0 to 9, for example {}."),
    (r"^[0-9.]+[eE][-+]?[0-9]+$", "Write the amount with all its digits, for example {}."),
    (r"[0-9]\s+[0-9]", "Write the amount without spaces, for example {}."),
    (r"\..*\.", "An amount has one point at most, for example {}."),
))
