"""Owns the rows of a file: what parts its cells, which column is which, and what each line holds."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.errors import InvalidInputError
from app.payments.payout_file.headings import Columns, columns_of
from app.payments.payouts import MAXIMUM_PAYOUT_ITEMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.money import Currency

SEPARATORS: Final = ("\t", ";", ",")
# Excel's own first line, which tells what parts the cells.
TOLD_SEPARATOR: Final = re.compile(r'"?sep=(.?)"?', re.IGNORECASE)
# The first cell of a line without headings is a username, which holds no separator: the first one that follows is the file's.
FIRST_CELL: Final = re.compile(r' *(?:"[^"\r\n]*"|[^,;\t"\r\n]*) *([,;\t])')


@dataclass(frozen=True, slots=True)
class Row:
    """A line's cells, without empty ones at its end."""

    number: int
    """As an editor counts them, from 1."""
    cells: list[str]
    last_number: int
    """Another one than `number` when a quotation mark closes on a later line."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows that hold anything, without the headings."""

    separator: str
    columns: Columns
    rows: list[Row]


def table_of(text: str, currency: Currency) -> Table:
    """The rows and columns of a text.

    Raises: InvalidInputError for broken quotes, headings that do not tell enough, no payment, or too many.
    """
    first, told = _first_line(text)
    if told:
        return _table(text, told, currency, skipped=1)
    # Headings are known by their words, whatever parts them.
    separator = next((each for each in SEPARATORS if _has_headings(first, each, currency)), None)
    found = FIRST_CELL.match(first)
    return _table(text, separator or (found[1] if found else ","), currency)


def _table(text: str, separator: str, currency: Currency, *, skipped: int = 0) -> Table:
    rows: list[Row] = []
    columns: Columns | None = None
    for row in _rows(text, separator):
        if row.number <= skipped or not row.cells:
            continue
        if columns is None:
            named = columns_of(row.cells, row.number, currency)
            columns = named or Columns()
            if named:
                continue
        if len(rows) == MAXIMUM_PAYOUT_ITEMS:
            raise _refused(f"Line {row.number:,} is one too many: a payout has at most {MAXIMUM_PAYOUT_ITEMS:,} payments. Split the file.")
        rows.append(row)
    if not rows:
        raise _refused("There is no payment in this file. Write one a line: username, amount, memo.")
    return Table(separator, columns or Columns(), rows)


def _first_line(text: str) -> tuple[str, str | None]:
    """The first line that holds anything, and the separator that it tells, if that is what it is for."""
    first = next((line for line in io.StringIO(text, newline=None) if line.strip()), "").rstrip("\n")
    told = TOLD_SEPARATOR.fullmatch(first if first.endswith("\t") else first.strip())
    if told is None:
        return first, None
    if told[1] not in SEPARATORS or not text.lower().lstrip('"').startswith("sep="):
        raise _refused("The line “sep=” stands first in a file and names a comma, a semicolon or a tab. Correct it.")
    return first, told[1]


def _has_headings(first: str, separator: str, currency: Currency) -> bool:
    try:
        return any(columns_of(row.cells, row.number, currency) for row in _rows(first, separator))
    except InvalidInputError:
        return False


def _rows(text: str, separator: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=separator != "\t")
    number = 0
    try:
        for cells in reader:
            begins, number = number + 1, reader.line_num
            stripped = [cell.strip() for cell in cells]
            while stripped and not stripped[-1]:
                stripped.pop()
            yield Row(begins, stripped, number)
    except csv.Error as error:
        why = "a cell is too long, or a quotation mark is not closed or stands where none may"
        raise _refused(f"Line {number + 1:,} cannot be read: {why}. Correct it.", str(error)) from error


def _refused(message: str, detail: str = "") -> InvalidInputError:
    return InvalidInputError(detail, user_message=message, field="file")
