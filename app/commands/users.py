"""Owns `flask users …`: listing people, freezing a wallet, the operator's badge, and resetting a password."""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click
from sqlalchemy import select

from app import identity, ledger
from app.commands.command_context import command_context
from app.commands.failures import OperatorGroup
from app.commands.output import Json, format_time, json_option, key_value_lines, pluralized, print_result, table
from app.models import Account
from app.money import Money

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.identity import Person
    from app.money import Currency

PEOPLE_PER_PAGE: Final = 100
MAXIMUM_PEOPLE_LISTED: Final = 10_000
# 128 bits in 22 characters: hard to guess and short enough to read out.
GENERATED_PASSWORD_BYTES: Final = 16
MAXIMUM_LINE_CHARACTERS: Final = 4096
STATUS_WORDS: Final = {"open": "open", "frozen": "frozen", "outgoing_frozen": "frozen for what leaves it", "closed": "closed"}

users = OperatorGroup("users", help="The people of this wallet.")


@dataclass(frozen=True, slots=True)
class _PersonRow:
    """A person and their wallet."""

    person: Person
    balance: Money
    status: str
    entry_count: int

    def as_json(self) -> Json:
        return {
            "username": self.person.username, "display_name": self.person.display_name, "balance": self.balance.amount,
            "currency": self.balance.currency, "status": self.status, "joined_at": self.person.joined_at.isoformat(),
            "is_operator": self.person.is_operator,
        }


@users.command("list")
@click.option("--search", help="Only people with this in their username or display name.")
@json_option
def list_(search: str | None, *, as_json: bool) -> None:
    """List people with their balances, by username."""
    currency = command_context().settings.currency
    rows, more_follow = command_context().transact(lambda session: _list(session, search, currency))
    if more_follow:
        click.echo(f"Only the first {MAXIMUM_PEOPLE_LISTED:,} are listed. Narrow them down with --search.", err=True)
    text = table(
        ("USERNAME", "NAME", "BALANCE", "WALLET", "JOINED"),
        [(row.person.username, row.person.display_name, row.balance.formatted, STATUS_WORDS[row.status], format_time(row.person.joined_at))
         for row in rows],
        right=(2,),
    ) if rows else "There is nobody yet." if not search else "Nobody matches."
    print_result(text, [row.as_json() for row in rows], as_json=as_json)


@users.command("show")
@click.argument("username")
@json_option
def show(username: str, *, as_json: bool) -> None:
    """Show one person: wallet, logins, API tokens."""
    def look(session: Session) -> tuple[_PersonRow, int, int]:
        person = identity.find_person(session, username)
        return _rows(session, [person], command_context().settings.currency)[0], *_count_logins_and_tokens(session, person)

    row, logins, tokens = command_context().transact(look)
    text = key_value_lines((
        ("Username", row.person.username), ("Name", row.person.display_name), ("Balance", row.balance.formatted),
        ("Wallet", STATUS_WORDS[row.status]), ("History", pluralized(row.entry_count, "entry", "entries")), ("Logins", str(logins)),
        ("API tokens", str(tokens)), ("Joined", format_time(row.person.joined_at)),
        ("Operator's badge", "yes" if row.person.is_operator else "no"),
    ))
    data = {**row.as_json(), "entry_count": row.entry_count, "logins": logins, "api_tokens": tokens}
    print_result(text, data, as_json=as_json)


@users.command("freeze")
@click.argument("username")
@click.option("--outgoing", is_flag=True, help="Freeze only what leaves: the person can still be paid.")
@json_option
def freeze(username: str, *, outgoing: bool, as_json: bool) -> None:
    """Freeze a wallet: people move no money from it or to it; `money` commands still do. Doing so again changes nothing."""
    _set_status(username, "outgoing_frozen" if outgoing else "frozen", as_json=as_json)


@users.command("unfreeze")
@click.argument("username")
@json_option
def unfreeze(username: str, *, as_json: bool) -> None:
    """Open a frozen wallet. Doing so again changes nothing."""
    _set_status(username, "open", as_json=as_json)


@users.command("badge")
@click.argument("username")
@click.option("--remove", is_flag=True, help="Take the badge away; a name to show that is kept for the operator becomes the username.")
@json_option
def badge(username: str, *, remove: bool, as_json: bool) -> None:
    """Mark an account as the operator's own, beside its name everywhere. Doing so again changes nothing."""
    def change(session: Session) -> tuple[Person, bool]:
        changed = (identity.revoke_operator_badge if remove else identity.grant_operator_badge)(session, username=username)
        return identity.find_person(session, username), changed

    person, changed = command_context().transact(change)
    has = "has no" if remove else "has the"
    text = f"{person.username} {'now' if changed else 'already'} {has} operator's badge."
    if remove and changed:
        text += f" Shown as {person.display_name}."
    elif changed:
        text += " It may be called what others may not, for example Wave Support: the person says so on the account page."
    print_result(text, {"username": person.username, "is_operator": person.is_operator, "changed": changed}, as_json=as_json)


@users.command("reset-password")
@click.argument("username")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the new password from the first line of standard input.")
@click.option("--generate", is_flag=True, help="Make a new password and print it, once.")
@click.option("--revoke-tokens", is_flag=True, help="Revoke all their API tokens too, which stay valid otherwise.")
@json_option
def reset_password(username: str, *, from_stdin: bool, generate: bool, revoke_tokens: bool, as_json: bool) -> None:
    """Give somebody a new password and end all their logins. Asks for it unless told otherwise; API tokens stay."""
    # Checked before the prompt, so that nobody types a password for an unknown name.
    command_context().transact(lambda session: identity.find_person(session, username))
    new = _new_password(from_stdin=from_stdin, generate=generate)

    def reset(session: Session) -> tuple[Person, int, int]:
        person = identity.find_person(session, username)
        ways_in = _count_logins_and_tokens(session, person)
        identity.reset_password(session, username=person.username, new=new, settings=command_context().settings)
        identity.end_all_logins(session, username=person.username)
        if revoke_tokens:
            identity.revoke_all_api_tokens(session, username=person.username)
        return person, *ways_in

    person, logins, tokens = command_context().transact(reset)
    text = f"{person.username} has a new password. Ended {pluralized(logins, 'login')}."
    if revoke_tokens:
        text += f" Revoked {pluralized(tokens, 'API token')}."
    elif tokens:
        stay = "stays" if tokens == 1 else "stay"
        text += f" {pluralized(tokens, 'API token')} {stay} valid: revoke with --revoke-tokens, or the person does on the account page."
    if generate:
        text += f"\nPassword, shown only now: {new}"
    data: Json = {"username": person.username, "logins_ended": logins, "api_tokens": 0 if revoke_tokens else tokens}
    print_result(text, {**data, "password": new} if generate else data, as_json=as_json)


def _list(session: Session, search: str | None, currency: Currency) -> tuple[list[_PersonRow], bool]:
    rows: list[_PersonRow] = []
    after: str | None = None
    while len(rows) < MAXIMUM_PEOPLE_LISTED:
        page = identity.list_people(session, search=search, first=PEOPLE_PER_PAGE, after=after)
        rows += _rows(session, page.people, currency)
        if not page.more_follow:
            return rows, False
        after = page.people[-1].username
    return rows, True


def _rows(session: Session, people: list[Person], currency: Currency) -> list[_PersonRow]:
    wanted = select(Account).where(Account.id.in_([person.account_id for person in people]))
    accounts = {account.id: account for account in session.scalars(wanted)}
    return [
        _PersonRow(person, Money(account.balance, currency), account.status, account.entry_count)
        for person in people for account in (accounts[person.account_id],)
    ]


def _count_logins_and_tokens(session: Session, person: Person) -> tuple[int, int]:
    """How many logins and API tokens this person has."""
    logins = identity.count_logins(session, username=person.username, settings=command_context().settings)
    return logins, identity.count_api_tokens(session, username=person.username)


def _set_status(username: str, status: ledger.Status, *, as_json: bool) -> None:
    def change(session: Session) -> tuple[Person, bool]:
        person = identity.find_person(session, username)
        return person, ledger.set_status(session, person.account_id, status)

    person, changed = command_context().transact(change)
    text = f"{person.username}'s wallet is {'now' if changed else 'already'} {STATUS_WORDS[status]}."
    print_result(text, {"username": person.username, "status": status, "changed": changed}, as_json=as_json)


def _new_password(*, from_stdin: bool, generate: bool) -> str:
    if from_stdin and generate:
        raise click.UsageError("Give either --stdin or --generate.")
    if generate:
        return secrets.token_urlsafe(GENERATED_PASSWORD_BYTES)
    if from_stdin:
        return sys.stdin.readline(MAXIMUM_LINE_CHARACTERS).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for the password on. Give --stdin or --generate.")
    return str(click.prompt("New password", hide_input=True, confirmation_prompt=True, err=True))
