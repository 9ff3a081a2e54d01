"""Owns the preview that `flask money payout` shows before it pays, and its question for confirmation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from app import payments
from app.commands.confirmation import confirm, must_ask
from app.commands.exit_codes import ExitCode
from app.commands.output import Json, format_time, key_value_lines, pluralized, table
from app.errors import InsufficientFundsError, InvalidInputError, WalletError
from app.money import Money
from app.payments.payout_file.lines import FilePayment

if TYPE_CHECKING:
    from app.identity import Person
    from app.payments import PayoutLine, PayoutPreview

# Nobody reads more at a terminal. The total counts all lines.
MAXIMUM_LINES_SHOWN: Final = 50
MAXIMUM_REPEATED_SHOWN: Final = 10


def print_preview(lines: list[PayoutLine], preview: PayoutPreview, payer: Person, *, err: bool = True) -> None:
    """Print who gets how much, the total and the balance after.

    Args:
        err: print to standard error, which is for everything but the result.
    """
    rows = [
        (str(line.number), line.payment.to, line.payment.amount.formatted, line.payment.memo or "")
        for line in lines[:MAXIMUM_LINES_SHOWN] if isinstance(line.payment, FilePayment)
    ]
    click.echo(table(("LINE", "TO", "AMOUNT", "MEMO"), rows, right=(0, 2)), err=err)
    if len(lines) > MAXIMUM_LINES_SHOWN:
        click.echo(f"… and {pluralized(len(lines) - MAXIMUM_LINES_SHOWN, 'more line')}", err=err)
    told = [("Payments", f"{len(lines):,}")]
    if preview.paid_already and preview.paid_at:
        told.append(("Paid before", f"{preview.paid_already:,}, the first at {format_time(preview.paid_at)}"))
    told += [("Total", preview.total.formatted), (f"{payer.username} holds", preview.balance.formatted),
             ("And after", preview.balance_after.formatted)]
    click.echo("\n" + key_value_lines(told), err=err)
    repeated = payments.repeated_lines(lines)
    if repeated:
        click.echo(f"\n{_repeated(repeated)}", err=err)


def confirm_payout(lines: list[PayoutLine], preview: PayoutPreview, payer: Person, *, yes: bool, repeated: bool, again: bool) -> None:
    """Show the preview and ask, or take the answer from the options. Return if the payout may be paid.

    Raises: InvalidInputError without an answer and without a terminal, InsufficientFundsError. Ends the command if the answer is no.
    """
    asks = must_ask(yes=yes)
    same = payments.repeated_lines(lines)
    if same and not repeated and not asks:
        raise InvalidInputError(user_message=f"{_repeated(same)} Add --repeated if they are meant.")
    if preview.paid_already == len(lines) and preview.paid_at and not again and not asks:
        at = format_time(preview.paid_at)
        click.echo(f"This file was paid before, at {at}, and nothing was paid now. Add --again to pay it once more.", err=True)
        click.get_current_context().exit(ExitCode.NO)
    if not asks:
        return
    print_preview(lines, preview, payer)
    if preview.balance_after.minor_units < 0:
        shortfall = Money(-preview.balance_after.minor_units, preview.balance.currency_info)
        raise InsufficientFundsError(balance=preview.balance, shortfall=shortfall)
    if preview.paid_already == len(lines):
        click.echo("\nAll of it is paid already, and nothing was paid now. Add --again to pay it once more.", err=True)
        click.get_current_context().exit(ExitCode.NO)
    question = f"Pay {preview.total.formatted} from {payer.username}"
    question += ", each of the lines that are the same" if same else ""
    confirm(f"\n{question}?", declined="Nothing was paid.")


def preview_as_json(lines: list[PayoutLine], preview: PayoutPreview, payer: Person) -> Json:
    """The preview for scripts."""
    return {
        "from": payer.username, "currency": preview.total.currency, "total": preview.total.amount,
        "paid_before": preview.paid_already, "balance": preview.balance.amount, "balance_after": preview.balance_after.amount,
        "repeated": [[line.number for line in same] for same in payments.repeated_lines(lines)],
        "lines": [
            {
                "line": line.number,
                "to": line.payment.to if isinstance(line.payment, FilePayment) else line.to,
                "amount": line.payment.amount.amount if isinstance(line.payment, FilePayment) else line.amount,
                "memo": line.memo or None,
                "refused": found.code if isinstance(found, WalletError) else None,
                "reason": found.user_message if isinstance(found, WalletError) else None,
            }
            for line, found in zip(lines, preview.outcomes, strict=True)
        ],
    }


def _repeated(repeated: list[list[PayoutLine]]) -> str:
    shown = "; ".join(", ".join(f"{line.number:,}" for line in same[:MAXIMUM_REPEATED_SHOWN]) for same in repeated[:MAXIMUM_REPEATED_SHOWN])
    more = " and others" if len(repeated) > MAXIMUM_REPEATED_SHOWN or any(len(each) > MAXIMUM_REPEATED_SHOWN for each in repeated) else ""
    return f"The file has the same payment more than once: lines {shown}{more}."
