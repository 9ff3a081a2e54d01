"""Owns the statement file: a wallet's payments as CSV that a spreadsheet opens without running anything in it."""

from __future__ import annotations

import csv
import io
import tempfile
from typing import IO, TYPE_CHECKING, Final

from app.web.wording import iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from app.payments import Payment

COLUMNS: Final = (
    "date", "reference", "kind", "direction", "username", "name", "memo", "amount", "currency", "balance_after", "refund_of",
)
# A cell that begins with one of these may be run as a formula; the last four are the full-width forms. Source: OWASP, "CSV Injection".
FORMULA_BEGINNINGS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# A statement below this never touches the disk; one above it does not fill the memory.
IN_MEMORY_BYTES: Final = 1024 * 1024
CHUNK_BYTES: Final = 64 * 1024


def write_statement(payments: Iterable[Payment]) -> IO[bytes]:
    """The statement in a temporary file that is gone when closed, at its beginning.

    Written in full before it is sent: a slow reader would otherwise hold a database transaction open until PostgreSQL ends it, and
    half a statement looks like a whole one.
    """
    kept = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - the response closes it when it is sent
    # The mark tells spreadsheets that it is UTF-8.
    kept.write(b"\xef\xbb\xbf")
    kept.write(_line(COLUMNS))
    for payment in payments:
        kept.write(_line(_cells(payment)))
    kept.seek(0)
    return kept


def chunks(kept: IO[bytes]) -> Iterator[bytes]:
    """The file piece by piece; closes it at the end."""
    with kept:
        while piece := kept.read(CHUNK_BYTES):
            yield piece


def write_table(rows: Iterable[tuple[str, ...]]) -> str:
    """The rows as CSV, for an answer that is in memory anyhow."""
    return "".join(_line(cells).decode() for cells in rows)


def safe_cell(text: str) -> str:
    """The text, with an apostrophe before it when a spreadsheet could take it for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_BEGINNINGS) else text


def _cells(payment: Payment) -> tuple[str, ...]:
    # Amounts are ours, not a person's text: -3.20 stays a number.
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
