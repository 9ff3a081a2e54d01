"""Owns `flask ledger …`: checks that every penny is accounted for. Only reads."""

from __future__ import annotations

import sys
from typing import Final

import click

from app import ledger as core
from app.commands.command_context import command_context
from app.commands.exit_codes import ExitCode
from app.commands.failures import OperatorGroup
from app.commands.output import format_time, json_option, key_value_lines, pluralized, print_result

# Returns to the start of the line and clears it. Source: ECMA-48, EL.
FRESH_LINE: Final = "\r\x1b[K"

ledger = OperatorGroup("ledger", help="Whether every penny is accounted for.")


@ledger.command("verify")
@json_option
@click.pass_context
def verify(context: click.Context, *, as_json: bool) -> None:
    """Check every rule of the books over the whole history. Exit code 1 if one is broken; payments may go on meanwhile."""
    settings = command_context().settings
    on_terminal = sys.stderr.isatty()
    breaks, totals = command_context().transact(lambda session: (
        core.verify(session, on_check=_show_progress if on_terminal else None),
        core.trial_balance(session, settings.currency),
    ))
    if on_terminal:
        click.echo(FRESH_LINE, err=True, nl=False)
    if breaks:
        lines = ["The books are broken.", *(f"- Not so: {each.invariant}. {each.detail}" for each in breaks)]
    else:
        held = f"all of it held in {pluralized(totals.wallets, 'wallet')}"
        lines = [f"The books balance: {totals.issued.formatted} issued, {held}, {pluralized(totals.transfers, 'transfer')}."]
    data = {"balanced": not breaks, "breaks": [{"invariant": each.invariant, "detail": each.detail} for each in breaks]}
    print_result("\n".join(lines), data, as_json=as_json)
    context.exit(ExitCode.NO if breaks else ExitCode.DONE)


@ledger.command("trial-balance")
@json_option
@click.pass_context
def trial_balance(context: click.Context, *, as_json: bool) -> None:
    """Print what was issued and what people hold. Exit code 1 if the two differ."""
    totals = command_context().transact(lambda session: core.trial_balance(session, command_context().settings.currency))
    text = key_value_lines((
        ("Issued", totals.issued.formatted), ("Held by people", totals.held_by_people.formatted),
        ("Balanced", "yes" if totals.balanced else "NO"), ("Wallets", f"{totals.wallets:,}"),
        ("Transfers", f"{totals.transfers:,}"), ("Checked", format_time(totals.checked_at)),
    ))
    data = {
        "issued": totals.issued.amount, "held_by_people": totals.held_by_people.amount, "currency": totals.issued.currency,
        "balanced": totals.balanced, "wallets": totals.wallets, "transfers": totals.transfers,
        "checked_at": totals.checked_at.isoformat(),
    }
    print_result(text, data, as_json=as_json)
    context.exit(ExitCode.DONE if totals.balanced else ExitCode.NO)


def _show_progress(place: int, count: int, sentence: str) -> None:
    click.echo(f"{FRESH_LINE}Checking {place} of {count}: {sentence}", err=True, nl=False)
