"""Owns `flask money …`: the operator issues, redeems and refunds money, each time with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from uuid import UUID, uuid4

import click

from app import identity, ledger
from app.amounts import parse_amount
from app.commands.command_context import command_context
from app.commands.failures import OperatorGroup
from app.commands.options import KeyOption
from app.commands.output import format_time, json_option, print_result
from app.errors import InvalidInputError
from app.models import Account
from app.money import Money
from app.payments import parse_memo, refund_by_operator

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from app.identity import Person

Kind = Literal["issue", "redeem"]

money = OperatorGroup("money", help="Money enters and leaves the wallet here alone.")


def _movement(command: Callable[..., None]) -> click.Command:
    """Add the arguments that `issue` and `redeem` share."""
    for parameter in (
        json_option,
        click.option("--id", "transfer_id", type=KeyOption(), help="The same id moves money once, however often it is given."),
        click.option("--reason", required=True, metavar="TEXT", help="Why; the person reads it in their history."),
        click.argument("amount"),
        click.argument("username"),
    ):
        command = parameter(command)
    # Without this, click takes the amount "-5" for an unknown option. So it reaches parse_amount, which refuses it with a reason.
    made: click.Command = money.command(command.__name__, context_settings={"ignore_unknown_options": True})(command)
    return made


@_movement
def issue(username: str, amount: str, reason: str, transfer_id: UUID | None, *, as_json: bool) -> None:
    """Put AMOUNT into the wallet of USERNAME, from outside."""
    _move("issue", username, amount, reason=reason, transfer_id=transfer_id, as_json=as_json)


@_movement
def redeem(username: str, amount: str, reason: str, transfer_id: UUID | None, *, as_json: bool) -> None:
    """Take AMOUNT out of the wallet of USERNAME, to outside. Never more than it holds."""
    _move("redeem", username, amount, reason=reason, transfer_id=transfer_id, as_json=as_json)


@money.command("refund", context_settings={"ignore_unknown_options": True})
@click.argument("payment_id", type=click.UUID)
@click.argument("amount", required=False)
@click.option("--reason", required=True, metavar="TEXT", help="Why; both people read it in their history.")
@click.option("--id", "transfer_id", type=KeyOption(), help="The same id moves money once, however often it is given.")
@json_option
def refund(payment_id: UUID, amount: str | None, reason: str, transfer_id: UUID | None, *, as_json: bool) -> None:
    """Give AMOUNT of a payment back, or all that is left of it, from a frozen wallet too."""
    currency = command_context().settings.currency
    wanted = parse_amount(amount, currency) if amount is not None else None
    memo, refund_id = _reason(reason), _key(transfer_id)
    paid, payer, posting = command_context().transact(lambda session: refund_by_operator(
        session, refund_id=refund_id, payment_id=payment_id, amount=wanted, currency=currency, memo=memo))
    balance = posting.source_balance
    done = f"{posting.amount.formatted} given back from {paid} to {payer}; {paid} now holds {balance.formatted}."
    text = f"Already done with this id at {format_time(posting.created_at)}: {done} Nothing was moved now." if posting.replayed else done
    data = {
        "id": str(refund_id), "payment": str(payment_id), "from": paid, "to": payer, "amount": posting.amount.amount,
        "currency": currency.code, "balance": balance.amount, "reason": memo, "created_at": posting.created_at.isoformat(),
        "replayed": posting.replayed,
    }
    print_result(text, data, as_json=as_json)


def _reason(text: str) -> str:
    memo = parse_memo(text)
    if memo is None:
        raise InvalidInputError(user_message="Say why with --reason: the person reads it in their history.", field="reason")
    return memo


def _key(given: UUID | None) -> UUID:
    if given is not None:
        return given
    made = uuid4()
    # Printed before anything moves: if the answer is lost, this id makes a retry safe.
    click.echo(f"Id: {made} (to try again without moving the money twice, add --id {made})", err=True)
    return made


def _move(kind: Kind, username: str, amount_text: str, *, reason: str, transfer_id: UUID | None, as_json: bool) -> None:
    amount = parse_amount(amount_text, command_context().settings.currency)
    memo, transfer_id = _reason(reason), _key(transfer_id)
    person, posting, balance = command_context().transact(
        lambda session: _post(session, kind, username, amount=amount, memo=memo, transfer_id=transfer_id),
    )
    data = {
        "id": str(transfer_id), "kind": kind, "username": person.username, "amount": posting.amount.amount,
        "currency": amount.currency, "balance": balance.amount, "reason": memo, "created_at": posting.created_at.isoformat(),
        "replayed": posting.replayed,
    }
    print_result(_message(kind, person, posting, balance), data, as_json=as_json)


def _post(
    session: Session, kind: Kind, username: str, *, amount: Money, memo: str, transfer_id: UUID
) -> tuple[Person, ledger.Posting, Money]:
    """Returns: the person, the posting in the ledger, and the new balance of the wallet."""
    person = identity.find_person(session, username)
    issuance = ledger.issuance_account(session, amount.currency_info)
    source, destination = (issuance, person.account_id) if kind == "issue" else (person.account_id, issuance)
    posting = ledger.post(
        session, transfer_id=transfer_id, kind=kind, source=source, destination=destination, amount=amount, memo=memo,
    )
    return person, posting, Money(session.get_one(Account, person.account_id).balance, amount.currency_info)


def _message(kind: Kind, person: Person, posting: ledger.Posting, balance: Money) -> str:
    done = "issued to" if kind == "issue" else "redeemed from"
    what = f"{posting.amount.formatted} {done} {person.username}"
    if posting.replayed:
        earlier = format_time(posting.created_at)
        return f"Already done with this id at {earlier}: {what}, who now holds {balance.formatted}. Nothing was moved now."
    return f"{what}, who now holds {balance.formatted}."
