"""Owns how the lines of a payout go through a form, from the preview to the payment: exactly what was shown, and nothing else."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from app.amounts import parse_amount
from app.errors import InvalidInputError, WalletError
from app.payments.payout_file.lines import FilePayment, PayoutLine, payment_of
from app.payments.payouts import MAXIMUM_PAYOUT_ITEMS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.money import Currency

MAXIMUM_LINE_NUMBER: Final = 10**7
CELLS: Final = 5


def write_carried_lines(lines: Iterable[PayoutLine]) -> str:
    """The lines, one each, for `read_carried_lines`; of those that cannot be read, none."""
    text = io.StringIO()
    csv.writer(text).writerows(
        (line.number, line.place, line.payment.to, line.payment.amount.amount, line.payment.memo or "")
        for line in lines if isinstance(line.payment, FilePayment)
    )
    return text.getvalue()


def read_carried_lines(text: str, currency: Currency) -> list[PayoutLine]:
    """What `write_carried_lines` was given, or some of its lines. Raises: InvalidInputError for anything else."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        lines = [_line(*row, currency=currency) for row in rows if len(row) == CELLS]
    except (ValueError, csv.Error, WalletError) as error:
        raise _broken(str(error)) from error
    numbers, places = {each.number for each in lines}, {each.place for each in lines}
    if not 0 < len(rows) <= MAXIMUM_PAYOUT_ITEMS or not len(numbers) == len(places) == len(rows):
        raise _broken("not the lines of one file")
    if not 0 < min(numbers) <= max(numbers) <= MAXIMUM_LINE_NUMBER or not 0 < min(places) <= max(places) <= MAXIMUM_PAYOUT_ITEMS:
        raise _broken("not numbered lines")
    return lines


def _line(number: str, place: str, to: str, amount: str, memo: str, *, currency: Currency) -> PayoutLine:
    payment = payment_of(to, parse_amount(amount, currency), memo)
    return PayoutLine(number=int(number), place=int(place), to=to, amount=amount, memo=memo, payment=payment)


def _broken(detail: str) -> InvalidInputError:
    return InvalidInputError(detail, user_message="This form was not complete. Choose the file again.", field="file")
