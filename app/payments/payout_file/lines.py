"""Owns what a line of a file means: a payment, or what is wrong with it. Never a guess between two sums."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import uuid5

from app.errors import InvalidAmountError, InvalidInputError, InvalidUsernameError, NotFoundError, WalletError
from app.identity import parse_username, unknown_person
from app.payments.paying import parse_memo
from app.payments.payout_file.amounts import read_amount
from app.payments.payout_file.split import split_meanings
from app.payments.sending import Order

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from app.money import Currency, Money
    from app.payments.payout_file.table import Row, Table

# A memo or handle that is longer is refused anyhow; this bounds what a refusal repeats and what a page carries.
MAXIMUM_CELL_CHARACTERS: Final = 400
MAXIMUM_MEMO_REPEATED: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePayment:
    """The payment that a line means."""

    to: str
    """The payee's handle, in lower case."""
    amount: Money
    memo: str | None

    @property
    def content(self) -> tuple[str, int, str]:
        """What makes it the same as another one."""
        return self.to, self.amount.minor_units, self.memo or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutLine:
    """A line of the file as it was written, and what it means."""

    number: int
    """As an editor counts them, from 1."""
    place: int = 0
    """Among all payments of the file by what they are, wherever their lines stand; 0 in a file with a line that cannot be read."""
    to: str
    amount: str
    memo: str
    payment: FilePayment | WalletError
    """The payment, or what is wrong with the line."""


def line_of(row: Row, table: Table, sign: str | None, currency: Currency) -> PayoutLine:
    """What the row means in its file.

    Args:
        sign: the file's decimal sign.
    """
    columns = table.columns
    cells = [*(cell[:MAXIMUM_CELL_CHARACTERS] for cell in row.cells), *[""] * (columns.count - len(row.cells))]
    to, amount, memo = cells[columns.to], cells[columns.amount], "" if columns.memo is None else cells[columns.memo]
    payment: FilePayment | WalletError
    try:
        _check_form(row, table, cells, currency)
        payment = payment_of(to, read_amount(amount, sign, currency), memo)
    except WalletError as error:
        payment = error
    return PayoutLine(number=row.number, to=to, amount=amount, memo=" ".join(memo.split()), payment=payment)


def payment_of(to: str, amount: Money, memo: str) -> FilePayment:
    """The payment of these cells. Raises: NotFoundError for what is nobody's handle, InvalidInputError (memo)."""
    if not to:
        raise NotFoundError("no handle", user_message="Write whom to pay: a username.", field="to")
    try:
        handle = parse_username(to.removeprefix("@"))
    except InvalidUsernameError:
        raise unknown_person(to, field="to") from None
    return FilePayment(to=handle, amount=amount, memo=parse_memo(memo))


def placed(lines: Sequence[PayoutLine]) -> list[PayoutLine]:
    """The same lines with their places, if each of them is a payment; so that the same payments have them in any order."""
    by_content = sorted(
        (each.payment.content, index) for index, each in enumerate(lines) if isinstance(each.payment, FilePayment)
    )
    if len(by_content) < len(lines):
        return list(lines)
    places = {index: place for place, (_, index) in enumerate(by_content, 1)}
    return [replace(each, place=places[index]) for index, each in enumerate(lines)]


def payments_of(lines: Iterable[PayoutLine]) -> list[FilePayment]:
    """What the lines mean, without those that cannot be read."""
    return [each.payment for each in lines if isinstance(each.payment, FilePayment)]


def items_of(lines: Iterable[PayoutLine], key: UUID) -> list[Order | WalletError]:
    """The lines as payments to make; of one that cannot be read, what is wrong with it.

    Args:
        key: the payout's own. A line's idempotency key is made of it and the line's place, so the same payout again pays nothing twice.
    """
    return [
        each.payment if isinstance(each.payment, WalletError) else Order(
            idempotency_key=uuid5(key, str(each.place)), to=each.payment.to, amount=each.payment.amount, memo=each.payment.memo,
        )
        for each in lines
    ]


def repeated_lines(lines: Iterable[PayoutLine]) -> list[list[PayoutLine]]:
    """The payments that stand in the file more than once, each with all of its lines."""
    alike: defaultdict[tuple[str, int, str], list[PayoutLine]] = defaultdict(list)
    for each in lines:
        if isinstance(each.payment, FilePayment):
            alike[each.payment.content].append(each)
    return [each for each in alike.values() if len(each) > 1]


def _check_form(row: Row, table: Table, cells: list[str], currency: Currency) -> None:
    """Raises: InvalidInputError for a line that could mean another sum than the one in the cell of the amount."""
    if row.last_number > row.number:
        message = f"A quotation mark opens on this line and closes on line {row.last_number:,}. Write each payment on one line."
        raise InvalidInputError(user_message=message)
    # Of a semicolon or a tab no number has one.
    found = split_meanings(cells, table.columns.amount, currency) if table.separator == "," else []
    if found:
        raise InvalidAmountError("split", user_message=_two_readings(cells, table, found, currency))
    if len(row.cells) > table.columns.count:
        parts = "commas" if table.separator == "," else "semicolons" if table.separator == ";" else "tabs"
        message = f"There is more on this line than {table.columns.described}. Put what has {parts} in quotes, or leave it out."
        raise InvalidInputError(user_message=message)


def _two_readings(cells: list[str], table: Table, found: list[Money], currency: Currency) -> str:
    columns = table.columns
    beside = [cell for place, cell in enumerate(cells) if cell and place not in (columns.to, columns.amount)]
    memo = ",".join(beside)
    shown = memo[:MAXIMUM_MEMO_REPEATED] + "…" * (len(memo) > MAXIMUM_MEMO_REPEATED)
    try:
        as_written = [read_amount(cells[columns.amount], ".", currency)]
    except InvalidAmountError:
        as_written = []
    others = [each for each in found if each not in as_written] or found
    readings = [f"{each.formatted} with the memo “{shown}”" if shown else each.formatted for each in as_written]
    readings += [each.formatted for each in others]
    written = others if columns.memo is not None else [*as_written, *others]
    advice = f"Write {' or '.join(each.amount for each in written)} as the amount"
    if as_written and columns.memo is not None:
        advice += f", or begin the memo with a word{' and put it in quotes' if ',' in memo else ''}"
    return f"This line could mean {', or '.join(readings)}. {advice}."
