"""Owns the statement: the payments of a wallet as a CSV file. A spreadsheet that opens it runs no formula."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from app.web.wording import iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from app.payments import Payment

COLUMNS: Final = (
    "date", "reference", "kind", "direction", "username", "name", "memo", "amount", "currency", "balance_after", "refund_of",
)
# A spreadsheet may run a cell with such a beginning as a formula. The last four are full-width. Source: OWASP, "CSV Injection".
FORMULA_BEGINNINGS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def write_statement(payments: Iterable[Payment]) -> Iterator[bytes]:
    """The statement, line by line. The byte order mark at its start tells a spreadsheet that it is UTF-8."""
    yield b"\xef\xbb\xbf" + _line(COLUMNS)
    for payment in payments:
        yield _line(_cells(payment))


def write_table(rows: Iterable[tuple[str, ...]]) -> str:
    """The rows as CSV, all in memory."""
    return "".join(_line(cells).decode() for cells in rows)


def safe_cell(text: str) -> str:
    """The text, with an apostrophe before it if a spreadsheet could run it as a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_BEGINNINGS) else text


def _cells(payment: Payment) -> tuple[str, ...]:
    # This program writes the amounts, so -3.20 may stay a number.
    return (
        iso(payment.created_at), str(payment.id), payment.kind.lower(), payment.direction.lower(),
        payment.counterparty_username or "", safe_cell(payment.counterparty_display_name or ""), safe_cell(payment.memo or ""),
        payment.signed.amount, payment.signed.currency, payment.balance_after.amount if payment.balance_after else "",
        str(payment.refund_of or ""),
    )


def _line(cells: tuple[str, ...]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()
