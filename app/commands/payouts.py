"""Owns `flask money payout`: the operator pays many people from one wallet by a file. It shows a preview and asks first."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final
from uuid import UUID, uuid4

import click
from flask.cli import with_appcontext

from app import identity, payments
from app.commands.audit import AuditedCommand
from app.commands.command_context import command_context
from app.commands.exit_codes import ExitCode
from app.commands.options import KeyOption
from app.commands.output import Json, json_option, pluralized, print_result
from app.commands.payout_preview import confirm_payout, preview_as_json, print_preview
from app.errors import (
    IdempotencyKeyReusedError,
    InsufficientFundsError,
    InvalidInputError,
    NotAttemptedError,
    WalletError,
    WalletFrozenError,
)
from app.ledger import Posting
from app.models import Account
from app.money import Money
from app.payments import MAXIMUM_FILE_BYTES, MAXIMUM_PAYOUT_ITEMS, PayoutLine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.orm import Session

    from app.payments import Order, Payout

# Without --atomic, so many lines are one transaction and one step of the progress bar.
LINES_PER_STEP: Final = 500

Outcomes = list[tuple[PayoutLine, "Posting | WalletError"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutOptions:
    """The options of the command."""

    atomic: bool
    yes: bool
    repeated: bool
    again: bool
    dry_run: bool
    as_json: bool


def _payout_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        json_option,
        click.option("--id", "payout_id", type=KeyOption(),
                     help="With --again: the same id pays each line once more, however often it is given."),
        click.option("--again", is_flag=True, help="Pay a file once more that was paid before."),
        click.option("--repeated", is_flag=True, help="Lines of the file that are the same are meant."),
        click.option("--yes", is_flag=True, help="Pay without asking, for scripts."),
        click.option("--dry-run", is_flag=True, help="Show what would be paid, and pay nothing."),
        click.option("--atomic/--each", default=True, help="All or none, which is the default; or each line on its own."),
        click.option("--from", "username", required=True, metavar="USERNAME", help="Whose wallet pays."),
    ):
        command = option(command)
    return command


@click.command(cls=AuditedCommand)
@click.argument("file", type=click.File("rb"))
@_payout_options
@with_appcontext
def payout(file: IO[bytes], username: str, payout_id: UUID | None, **options: bool) -> None:
    """Pay many from the wallet of USERNAME, as FILE says: one payment a line, username, amount, memo.

    It shows who gets how much and asks first. A file pays each of its lines once, however often it is given; --again pays it once more.
    `-` reads standard input.
    """
    _pay_file(file.read(MAXIMUM_FILE_BYTES + 1), username, payout_id, PayoutOptions(**options))


def _pay_file(data: bytes, username: str, payout_id: UUID | None, options: PayoutOptions) -> None:
    if payout_id and not options.again:
        message = "Give --id with --again. Without it a file pays each of its lines once, however often it is given."
        raise InvalidInputError(user_message=message)
    currency = command_context().settings.currency
    lines = payments.read_payout_file(data, currency)
    payer, key = command_context().transact(lambda session: _payer_and_key(session, username, lines))
    if options.again:
        if payout_id is None:
            payout_id = uuid4()
            # Printed before anything moves: if the answer is lost, this id makes a retry safe.
            click.echo(f"Id: {payout_id} (to try again without paying twice, add --id {payout_id})", err=True)
        key = payments.key_again(key, payout_id)
    items = payments.items_of(lines, key)
    preview = command_context().transact(lambda session: payments.check_payout_from(session, payer.account_id, items, currency=currency))
    bad = [(line, found) for line, found in zip(lines, preview.outcomes, strict=True) if isinstance(found, WalletError)]
    if bad:
        _exit_with_refusals(bad, preview_as_json(lines, preview, payer), as_json=options.as_json)
    if options.dry_run:
        print_preview(lines, preview, payer, err=options.as_json)
        print_result("Nothing was paid: this is a dry run.", preview_as_json(lines, preview, payer), as_json=options.as_json)
        return
    confirm_payout(lines, preview, payer, yes=options.yes, repeated=options.repeated, again=options.again)
    outcomes = _pay(payer.account_id, lines, items, atomic=options.atomic)
    _print_outcomes(outcomes, payer, key, atomic=options.atomic, as_json=options.as_json)


def _payer_and_key(session: Session, username: str, lines: list[PayoutLine]) -> tuple[identity.Person, UUID]:
    payer = identity.find_person(session, username)
    return payer, payments.key_of_content(session, payer.account_id, lines)


def _pay(payer: int, lines: list[PayoutLine], items: list[Order | WalletError], *, atomic: bool) -> Outcomes:
    """Pay step by step, with a progress bar at a terminal. A step that is done stays done if a later one fails."""
    size = MAXIMUM_PAYOUT_ITEMS if atomic else LINES_PER_STEP
    outcomes: Outcomes = []
    shortfall: InsufficientFundsError | None = None
    with click.progressbar(length=len(lines), label="Paying", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        for first in range(0, len(lines), size):
            made = _pay_step(payer, items[first:first + size], atomic=atomic)
            outcomes += zip(lines[first:first + size], made.outcomes, strict=True)
            shortfall = made.shortfall
            bar.update(len(made.outcomes))
    if shortfall is not None and all(isinstance(each, (Posting, NotAttemptedError, InsufficientFundsError)) for _, each in outcomes):
        # Nothing else is wrong: one message for the payout says more than one for each unpaid line.
        raise shortfall
    return outcomes


def _pay_step(payer: int, items: Sequence[Order | WalletError], *, atomic: bool) -> Payout:
    currency = command_context().settings.currency
    who = payments.Payer(account_id=payer)
    return command_context().transact(lambda session: payments.pay_many(session, who, items, atomic=atomic, currency=currency))


def _exit_with_refusals(refused: Sequence[tuple[PayoutLine, WalletError]], data: Json, *, as_json: bool) -> None:
    """Print every refused line and end the command."""
    for line, error in refused:
        click.echo(f"Line {line.number}: {error.user_message}", err=True)
    print_result("Nothing was paid.", data, as_json=as_json)
    click.get_current_context().exit(_exit_code([error for _, error in refused]))


def _print_outcomes(outcomes: Outcomes, payer: identity.Person, key: UUID, *, atomic: bool, as_json: bool) -> None:
    currency = command_context().settings.currency
    paid = [found for _, found in outcomes if isinstance(found, Posting)]
    refused = [(line, found) for line, found in outcomes if isinstance(found, WalletError) and not isinstance(found, NotAttemptedError)]
    total = Money(sum(each.amount.minor_units for each in paid), currency)
    balance = command_context().transact(lambda session: Money(session.get_one(Account, payer.account_id).balance, currency))
    data = _json(outcomes, payer, key, total, balance)
    if atomic and refused:
        _exit_with_refusals(refused, data, as_json=as_json)
    text = f"{pluralized(len(paid), 'payment')} of {total.formatted} in all from {payer.username}, who now holds {balance.formatted}."
    again = sum(each.replayed for each in paid)
    text += f" {pluralized(again, 'of them was', 'of them were')} paid before, and not again." if again else ""
    text += f" {pluralized(len(refused), 'line was', 'lines were')} refused." if refused else ""
    for line, error in refused:
        click.echo(f"Line {line.number}: {error.user_message}", err=True)
    print_result(text, data, as_json=as_json)
    if refused:
        click.get_current_context().exit(_exit_code([error for _, error in refused]))


def _exit_code(refused: Sequence[WalletError]) -> ExitCode:
    is_the_wallets = all(isinstance(each, (InsufficientFundsError, WalletFrozenError, IdempotencyKeyReusedError)) for each in refused)
    return ExitCode.NO if is_the_wallets else ExitCode.BAD_INPUT


def _json(outcomes: Outcomes, payer: identity.Person, key: UUID, total: Money, balance: Money) -> Json:
    return {
        "id": str(key), "from": payer.username, "currency": total.currency, "total": total.amount, "balance": balance.amount,
        "lines": [
            {
                "line": line.number, "to": line.to, "amount": line.amount, "memo": line.memo or None,
                "id": str(found.transfer_id) if isinstance(found, Posting) else None,
                "replayed": isinstance(found, Posting) and found.replayed,
                "refused": found.code if isinstance(found, WalletError) else None,
                "reason": found.user_message if isinstance(found, WalletError) else None,
            }
            for line, found in outcomes
        ],
    }
