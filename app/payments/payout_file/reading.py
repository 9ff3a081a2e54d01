"""Owns the way from a file's bytes to its lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.payments.payout_file.amounts import decimal_sign
from app.payments.payout_file.lines import line_of, placed
from app.payments.payout_file.table import table_of
from app.payments.payout_file.text import text_of_file

if TYPE_CHECKING:
    from app.money import Currency
    from app.payments.payout_file.lines import PayoutLine


def read_payout_file(data: bytes, currency: Currency) -> list[PayoutLine]:
    """The payments of a CSV file: username, amount and perhaps a memo, in this order or as headings name them.

    Commas, semicolons or tabs part the cells; the decimal sign is a point or a comma, one of them in the whole file. Where a line
    could mean two sums, it is refused.

    Args:
        data: UTF-8, or UTF-16 with a byte order mark.

    Raises: InvalidInputError for what is no such file at all: another kind, another encoding, too large, broken quotes, headings that
        do not tell enough, no line, too many.
    """
    table = table_of(text_of_file(data), currency)
    place = table.columns.amount
    sign = decimal_sign((row.cells[place] for row in table.rows if len(row.cells) > place), table.separator)
    return placed([line_of(row, table, sign, currency) for row in table.rows])
