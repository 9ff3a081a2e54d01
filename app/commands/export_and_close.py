"""Owns `flask users export` and `flask users close`: the stored data of a person, and the end of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from flask.cli import with_appcontext

from app import identity, payments
from app.commands.audit import AuditedCommand
from app.commands.command_context import command_context
from app.commands.confirmation import confirm, must_ask
from app.commands.output import json_option, key_value_lines, pluralized, print_result, table

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.payments import PersonalData


@click.command("export", cls=AuditedCommand)
@click.argument("username")
@json_option
@with_appcontext
def export(username: str, *, as_json: bool) -> None:
    """Print everything that is kept about a person: account, logins, API tokens, every payment."""
    # Printed inside the transaction: the payments are read page by page.
    command_context().transact(lambda session: _print(session, username, as_json=as_json))


@click.command("close", cls=AuditedCommand)
@click.argument("username")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@with_appcontext
def close(username: str, *, yes: bool, as_json: bool) -> None:
    """Close an account for good: names, logins and tokens go, the entries stay under a neutral name. The wallet has to be empty."""
    person = command_context().transact(lambda session: identity.find_person(session, username))
    if must_ask(yes=yes):
        confirm(f"Close the account of {person.username} ({person.display_name}) for good?", declined="Nothing was closed.")
    currency = command_context().settings.currency
    neutral = command_context().transact(lambda session: identity.close_account(session, person.username, currency=currency))
    text = f"The account of {person.username} is closed. Its entries stay in the books under the name {neutral}."
    print_result(text, {"username": person.username, "closed_as": neutral}, as_json=as_json)


def _print(session: Session, username: str, *, as_json: bool) -> None:
    data = payments.personal_data(session, username, currency=command_context().settings.currency)
    for piece in data.as_json() if as_json else _paragraphs(data):
        click.echo(piece, nl=not as_json)


def _paragraphs(data: PersonalData) -> list[str]:
    """Paragraphs for people."""
    found = data.facts
    wallet = found["wallet"]
    pairs = [
        ("Username", found["username"]), ("Name", found["display_name"]), ("Joined", found["joined_at"]),
        *([("Closed", found["closed_at"])] if found["closed_at"] else []), ("Password", found["password"]),
        ("Wallet", f"{wallet['status']}, {wallet['balance']} {wallet['currency']}"),
    ]
    return [
        key_value_lines(pairs), "",
        pluralized(len(found["logins"]), "login"), *_rows(found["logins"]), "",
        pluralized(len(found["api_tokens"]), "API token"), *_rows(found["api_tokens"]), "",
        pluralized(wallet["payments"], "payment"), *_rows([payments.payment_facts(each) for each in data.payments]),
    ]


def _rows(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    headings = tuple(name.replace("_", " ").upper() for name in rows[0])
    return [table(headings, [tuple(_cell(value) for value in row.values()) for row in rows])]


def _cell(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value if value is not None else "-")
