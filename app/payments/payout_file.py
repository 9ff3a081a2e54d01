"""Owns reading a payout from a file of handle, amount and memo: each line becomes a payment or says what is wrong with it. Pure."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid5

from app.errors import InvalidInputError, NotFoundError, WalletError
from app.money import Currency, parse_amount
from app.payments.paying import parse_memo
from app.payments.payouts import MAXIMUM_PAYOUT_ITEMS, PayoutItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A memo or handle that is longer is refused anyhow; this bounds what a refusal repeats and what a page carries.
MAXIMUM_CELL_CHARACTERS: Final = 400
MAXIMUM_LINE_NUMBER: Final = 10**6
COLUMNS: Final = 3
HANDLE_HEADINGS: Final = frozenset({"handle", "name", "payee", "person", "to", "user", "username"})
AMOUNT_HEADING: Final = "amount"
# What ends the first cell of the first line: handles hold neither.
DELIMITER: Final = re.compile(r'[^,;"\r\n]*(?:"[^"\r\n]*"[^,;\r\n]*)?([,;])')


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutLine:
    """A line of the file as it was written, and what it means."""

    number: int
    """As an editor counts them, from 1."""
    to: str
    amount: str
    memo: str
    item: PayoutItem | WalletError
    """The payment, or what is wrong with the line."""


def read_payout_file(data: bytes, *, key: UUID, currency: Currency) -> list[PayoutLine]:
    """The payments of a CSV file: handle, amount and perhaps a memo, parted by commas or semicolons, with or without a headline.

    Args:
        data: UTF-8, with or without a byte order mark.
        key: the payout's own; a line's idempotency key is made of it and the line's number, so the same file again pays nothing twice.

    Raises: InvalidInputError for what is no such file at all: another encoding (with its line), broken quotes, no line, too many.
    """
    text = _decoded(data)
    found = DELIMITER.match(text.lstrip("\r\n"))
    rows = _rows(text, found.group(1) if found else ",")
    lines = [_line(number, cells, key, currency) for number, cells in rows]
    if not lines:
        raise InvalidInputError(user_message="There is no payment in this file. Write one a line: username, amount, memo.", field="file")
    return lines


def write_numbered_lines(lines: Iterable[tuple[PayoutLine, WalletError | None]]) -> str:
    """The lines with their numbers, one each, for `read_numbered_lines`: what a form carries from the preview to the payment.

    Args:
        lines: each with what the preview found wrong with it, so that no other line is paid than what was shown as right.
    """
    text = io.StringIO()
    csv.writer(text).writerows(
        (line.number, line.to, line.amount, line.memo, wrong.user_message if wrong else "") for line, wrong in lines
    )
    return text.getvalue()


def read_numbered_lines(text: str, *, key: UUID, currency: Currency) -> list[PayoutLine]:
    """What `write_numbered_lines` was given, or some of its lines. Raises: InvalidInputError for anything else."""
    try:
        rows = [(int(number), cells, wrong) for number, *cells, wrong in csv.reader(io.StringIO(text, newline=""), strict=True)]
    except (ValueError, csv.Error) as error:
        raise _broken(str(error)) from error
    numbers = {number for number, _, _ in rows}
    if not 0 < len(rows) <= MAXIMUM_PAYOUT_ITEMS or len(numbers) < len(rows) or min(numbers) < 1 or max(numbers) > MAXIMUM_LINE_NUMBER:
        raise _broken("not numbered lines")
    if any(len(cells) != COLUMNS for _, cells, _ in rows):
        raise _broken("not the columns")
    lines = [(_line(number, cells, key, currency), wrong) for number, cells, wrong in rows]
    return [replace(line, item=InvalidInputError(user_message=wrong)) if wrong else line for line, wrong in lines]


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        message = f"Line {number:,} is not in UTF-8. Save the file as “CSV UTF-8” and choose it again."
        raise InvalidInputError(str(error), user_message=message, field="file") from error


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each line that holds anything, with its number; without the headline."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = count = 0
    try:
        for row in reader:
            begins, number = number + 1, reader.line_num
            cells = [cell.strip() for cell in row]
            if any(cells) and not (count == 0 and _is_headline(cells)):
                count += 1
                if count > MAXIMUM_PAYOUT_ITEMS:
                    raise _too_long(begins)
                yield begins, cells
    except csv.Error as error:
        message = f"Line {number + 1:,} cannot be read: a quotation mark is not closed, or stands where none may. Correct it."
        raise InvalidInputError(str(error), user_message=message, field="file") from error


def _is_headline(cells: list[str]) -> bool:
    return len(cells) > 1 and cells[0].lower() in HANDLE_HEADINGS and cells[1].lower() == AMOUNT_HEADING


def _line(number: int, cells: list[str], key: UUID, currency: Currency) -> PayoutLine:
    to, amount, memo, *more = [*(cell[:MAXIMUM_CELL_CHARACTERS] for cell in cells), "", ""]
    item: PayoutItem | WalletError
    try:
        if not to:
            raise NotFoundError("no handle", user_message="Write whom to pay first: a username.", field="to")
        if any(more):
            raise InvalidInputError(user_message="There is more than username, amount and memo. Put a memo with commas in quotes.")
        item = PayoutItem(
            idempotency_key=uuid5(key, str(number)), to=to.removeprefix("@"), amount=parse_amount(amount, currency), memo=parse_memo(memo),
        )
    except WalletError as error:
        item = error
    return PayoutLine(number=number, to=to, amount=amount, memo=" ".join(memo.split()), item=item)


def _too_long(number: int) -> InvalidInputError:
    message = f"Line {number:,} is one too many: a payout has at most {MAXIMUM_PAYOUT_ITEMS:,} payments. Split the file."
    return InvalidInputError(user_message=message, field="file")


def _broken(detail: str) -> InvalidInputError:
    return InvalidInputError(detail, user_message="This form was not complete. Choose the file again.", field="file")
