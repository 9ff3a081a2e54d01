"""However a file is written, it pays exactly what was meant, or it is refused: never another sum."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings, strategies

from app.errors import WalletError
from app.money import Currency
from app.payments import payments_of, read_payout_file

if TYPE_CHECKING:
    from app.payments.payout_file import PayoutLine

GBP, JPY, KWD = Currency("GBP", 2), Currency("JPY", 0), Currency("KWD", 3)
Meant = tuple[str, int, str]

HEADINGS = (
    {"to": "username", "amount": "Amount", "memo": "memo"}, {"to": "Empfänger", "amount": "Betrag", "memo": "Verwendungszweck"},
    {"to": "Bénéficiaire", "amount": "MONTANT", "memo": "Libellé"}, {"to": "Destinatario", "amount": "importe", "memo": "Concepto"},
)
ORDERS = (
    ("to", "amount", "memo"), ("to", "memo", "amount"), ("amount", "to", "memo"), ("amount", "memo", "to"), ("memo", "to", "amount"),
    ("memo", "amount", "to"), ("to", "amount"), ("amount", "to"),
)
PARTS_OF_MEMOS = (
    "0", "00", "000", "50", "500", "1", "12", ",", ";", ".", '"', "'", " ", "\t", "-", "GBP", "p", "Lunch", "ü", "/", "sep=", "@bob",
)


@dataclass(frozen=True)
class Dialect:
    """How somebody's program writes a file."""

    separator: str
    decimal: str
    thousands: str
    all_digits: bool
    """12.00, not 12."""
    quotes: str
    """Round every cell, round those that need them, or none at all."""
    headings: dict[str, str] | None
    order: tuple[str, ...]
    encoding: str
    line_end: str
    tells_separator: bool

    def file(self, payments: list[Meant], currency: Currency) -> bytes:
        rows = [tuple(self.headings[each] for each in self.order)] if self.headings else []
        for to, minor_units, memo in payments:
            cells = {"to": to, "amount": self.amount(minor_units, currency), "memo": memo}
            rows.append(tuple(cells[each] for each in self.order))
        lines = [f"sep={self.separator}"] if self.tells_separator else []
        lines += [self.separator.join(self.cell(each) for each in row) for row in rows]
        return (self.line_end.join(lines) + self.line_end).encode(self.encoding)

    def amount(self, minor_units: int, currency: Currency) -> str:
        whole, fraction = divmod(minor_units, 10**currency.exponent)
        text = f"{whole:,}".replace(",", self.thousands)
        if not currency.exponent or (fraction == 0 and not self.all_digits):
            return text
        digits = f"{fraction:0{currency.exponent}}"
        return f"{text}{self.decimal}{digits if self.all_digits else digits.rstrip('0')}"

    def cell(self, text: str) -> str:
        needed = any(each in text for each in (self.separator, '"', "\n"))
        if self.quotes == "all" or (self.quotes == "needed" and needed):
            return '"' + text.replace('"', '""') + '"'
        return text


memos = strategies.lists(strategies.sampled_from(PARTS_OF_MEMOS), max_size=4).map(lambda parts: " ".join("".join(parts).split()))
# Whole thousands, pounds and pence are where the readings of a number come apart.
amounts = strategies.one_of(
    strategies.integers(1, 10**7), strategies.integers(1, 99).map(lambda number: number * 100),
    strategies.integers(1, 99).map(lambda number: number * 100_000), strategies.integers(1, 999).map(lambda number: number * 1000 + 50),
)
handles = strategies.sampled_from(("bilal", "chloe", "bob"))
meant_payments = strategies.lists(strategies.tuples(handles, amounts, memos), min_size=1, max_size=4)


@strategies.composite
def dialects(draw: strategies.DrawFn) -> Dialect:
    decimal = draw(strategies.sampled_from((".", ",")))
    headings = draw(strategies.sampled_from((None, *HEADINGS)))
    return Dialect(
        separator=draw(strategies.sampled_from((",", ";", "\t"))), decimal=decimal,
        thousands=draw(strategies.sampled_from(tuple({"", ",", ".", "'", "’", " ", "\u00a0", "\u202f"} - {decimal}))),
        all_digits=draw(strategies.booleans()), quotes=draw(strategies.sampled_from(("all", "needed", "none", "none"))), headings=headings,
        order=draw(strategies.sampled_from(ORDERS)) if headings else draw(strategies.sampled_from((ORDERS[0], ORDERS[6]))),
        encoding=draw(strategies.sampled_from(("utf-8", "utf-8-sig", "utf-16"))),
        line_end=draw(strategies.sampled_from(("\n", "\r\n", "\r"))), tells_separator=draw(strategies.booleans()),
    )


def is_another_file(dialect: Dialect, memo: str) -> bool:
    """Whether this memo without quotes makes the very bytes of a file that means something else, with the same sum."""
    return dialect.quotes == "none" and (memo.startswith('"') or memo.endswith((",", ";")))


def outcome(data: bytes, currency: Currency) -> list[PayoutLine] | None:
    """The lines; None for a file that is refused, or has a line that is."""
    try:
        lines = read_payout_file(data, currency)
    except WalletError:
        return None
    return None if any(isinstance(each.payment, WalletError) for each in lines) else lines


@pytest.mark.load
@settings(deadline=None, database=None, max_examples=3000)
@given(payments=meant_payments, dialect=dialects(), currency=strategies.sampled_from((GBP, GBP, JPY, KWD)))
def test_a_file_in_any_dialect_pays_exactly_what_was_meant_or_nothing(payments: list[Meant], dialect: Dialect, currency: Currency) -> None:
    if "memo" not in dialect.order:
        payments = [(to, amount, "") for to, amount, _ in payments]
    if currency is KWD:  # whole thousands have three digits after a mark, and so have fils
        dialect = replace(dialect, all_digits=True)
    payments = [(to, amount, "" if is_another_file(dialect, memo) else memo) for to, amount, memo in payments]
    read = outcome(dialect.file(payments, currency), currency)
    if read is not None:
        assert [each.content for each in payments_of(read)] == payments


@pytest.mark.parametrize("currency", [GBP, JPY])
@settings(deadline=None, database=None, max_examples=300)
@given(payments=meant_payments, dialect=dialects())
def test_a_file_with_quotes_where_they_are_needed_and_no_marks_between_thousands_is_paid(
    currency: Currency, payments: list[Meant], dialect: Dialect
) -> None:
    words = [(to, amount, f"For {memo}".strip() if "memo" in dialect.order else "") for to, amount, memo in payments]
    quotes = "needed" if dialect.quotes == "none" else dialect.quotes
    written = replace(dialect, thousands="", all_digits=True, quotes=quotes)
    read = outcome(written.file(words, currency), currency)
    assert read is not None
    assert [each.content for each in payments_of(read)] == words


def test_three_digits_after_the_sign_are_read_by_the_sign_that_the_file_has() -> None:
    """A dinar has a thousand fils: 1.500 is one and a half to one reader, and fifteen hundred to another."""
    def found(text: str) -> list[int | str]:
        return [
            each.payment.user_message if isinstance(each.payment, WalletError) else each.payment.amount.minor_units
            for each in read_payout_file(text.encode(), KWD)
        ]

    assert found("bob,1.500") == [1500]
    assert found("bob;1,500") == [1500]
    assert found("bob;1,500\nbob;2,5") == [1500, 2500]
    doubt = "“{}” could mean KWD1.500 or KWD1,500.000. Write 1.500 or 1500.000."
    assert found("bob;1.500") == [doubt.format("1.500")]
    assert found("bob\t1.500") == [doubt.format("1.500")]
    assert found("bob\t1.500\nbob\t2.5") == [1500, 2500]
    assert found('bob,"1,500"\nbob,2.5') == [doubt.format("1,500"), 2500]
