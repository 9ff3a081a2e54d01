"""Owns `flask money payout`: paying many from one wallet by a file, at the operator's hand."""

from __future__ import annotations

import sys
from typing import IO, TYPE_CHECKING, Final
from uuid import UUID, uuid4

import click
from flask.cli import with_appcontext

from app import identity, payments
from app.commands.answers import Json, answer, counted, json_option
from app.commands.audit import AuditedCommand
from app.commands.desk import desk
from app.commands.failures import ExitCode
from app.commands.options import KeyOption
from app.errors import (
    HeldBackError,
    IdempotencyKeyReusedError,
    InsufficientFundsError,
    InvalidInputError,
    WalletError,
    WalletFrozenError,
)
from app.ledger import Posting
from app.models import Account
from app.money import Money
from app.payments import MAXIMUM_PAYOUT_ITEMS, PayoutLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.money import Currency
    from app.payments import Payout

MAXIMUM_FILE_BYTES: Final = 16 * 1024 * 1024
# Of a payout whose lines stand each on its own, so many are one transaction and one step of the bar.
LINES_PER_STEP: Final = 500

Outcomes = list[tuple[PayoutLine, "Posting | WalletError"]]


@click.command(cls=AuditedCommand)
@click.argument("file", type=click.File("rb"))
@click.option("--from", "username", required=True, metavar="USERNAME", help="Whose wallet pays.")
@click.option("--atomic/--each", default=True, help="All or none, which is the default; or each line on its own.")
@click.option("--id", "payout_id", type=KeyOption(), help="The same id pays each line of the file once, however often it is given.")
@json_option
@with_appcontext
def payout(file: IO[bytes], username: str, payout_id: UUID | None, *, atomic: bool, as_json: bool) -> None:
    """Pay many from the wallet of USERNAME, as FILE says: one payment a line, username, amount, memo. `-` reads standard input."""
    currency = desk().settings.currency
    data = file.read(MAXIMUM_FILE_BYTES + 1)
    if len(data) > MAXIMUM_FILE_BYTES:
        raise InvalidInputError(user_message=f"The file has more than {MAXIMUM_FILE_BYTES // 1024**2} MiB. Split it.")
    if payout_id is None:
        payout_id = uuid4()
        # Before anything moves: if the answer gets lost, this id is what makes another try safe.
        click.echo(f"Id: {payout_id} (to try again without paying twice, add --id {payout_id})", err=True)
    lines = payments.read_payout_file(data, key=payout_id, currency=currency)
    payer = desk().transact(lambda session: identity.find_person(session, username))
    outcomes = _pay(payer.account_id, lines, atomic=atomic, currency=currency)
    _tell(outcomes, payer, payout_id, atomic=atomic, as_json=as_json)


def _pay(payer: int, lines: list[PayoutLine], *, atomic: bool, currency: Currency) -> Outcomes:
    """Pay, step by step, with a bar where somebody watches. What a step did stays when a later one fails."""
    size = MAXIMUM_PAYOUT_ITEMS if atomic else LINES_PER_STEP
    outcomes: Outcomes = []
    shortfall: InsufficientFundsError | None = None
    with click.progressbar(length=len(lines), label="Paying", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        for first in range(0, len(lines), size):
            step = lines[first:first + size]
            made = _pay_step(payer, step, atomic=atomic, currency=currency)
            outcomes += zip(step, made.outcomes, strict=True)
            shortfall = made.shortfall
            bar.update(len(step))
    if shortfall is not None and all(isinstance(each, (Posting, HeldBackError, InsufficientFundsError)) for _, each in outcomes):
        # Nothing else is wrong: one sentence on the whole says more than one for each line that the money did not reach.
        raise shortfall
    return outcomes


def _pay_step(payer: int, step: Sequence[PayoutLine], *, atomic: bool, currency: Currency) -> Payout:
    items = [each.item for each in step]
    return desk().transact(lambda session: payments.pay_many_from(session, payer, items, atomic=atomic, currency=currency))


def _tell(outcomes: Outcomes, payer: identity.Person, payout_id: UUID, *, atomic: bool, as_json: bool) -> None:
    currency = desk().settings.currency
    paid = [found for _, found in outcomes if isinstance(found, Posting)]
    refused = [(line, found) for line, found in outcomes if isinstance(found, WalletError) and not isinstance(found, HeldBackError)]
    for line, error in refused:
        click.echo(f"Line {line.number}: {error.user_message}", err=True)
    total = Money(sum(each.amount.minor_units for each in paid), currency)
    balance = desk().transact(lambda session: _balance(session, payer.account_id, currency))
    data = _json(outcomes, payer, payout_id, total, balance)
    if atomic and refused:
        answer("Nothing was paid.", data, as_json=as_json)
    else:
        text = f"{counted(len(paid), 'payment')} of {total.formatted} in all from {payer.username}, who now holds {balance.formatted}."
        again = sum(each.replayed for each in paid)
        text += f" {counted(again, 'of them was', 'of them were')} paid before, and not again." if again else ""
        text += f" {counted(len(refused), 'line was', 'lines were')} refused." if refused else ""
        answer(text, data, as_json=as_json)
    if refused:
        click.get_current_context().exit(_exit_code([error for _, error in refused]))


def _exit_code(refused: Sequence[WalletError]) -> ExitCode:
    is_the_wallets = all(isinstance(each, (InsufficientFundsError, WalletFrozenError, IdempotencyKeyReusedError)) for each in refused)
    return ExitCode.NO if is_the_wallets else ExitCode.BAD_INPUT


def _balance(session: Session, account_id: int, currency: Currency) -> Money:
    return Money(session.get_one(Account, account_id).balance, currency)


def _json(outcomes: Outcomes, payer: identity.Person, payout_id: UUID, total: Money, balance: Money) -> Json:
    return {
        "id": str(payout_id), "from": payer.username, "currency": total.currency, "total": total.amount, "balance": balance.amount,
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
