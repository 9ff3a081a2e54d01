"""Owns the operator's `flask …` commands. Like the pages and the API they call the core and hold no rules of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from app.database import Sessions
    from app.settings import Settings

__all__ = ["add_commands"]


def add_commands(app: Flask, *, settings: Settings, sessions: Sessions, schema_text: Callable[[], str]) -> None:
    """Give `flask` the operator's commands: users, money, ledger, db, schema.

    Args:
        schema_text: returns the public API in GraphQL's schema language. It is an argument because commands may not import the API.
    """
    # Imported here, so that `flask` reports a wrong setting before it loads SQLAlchemy.
    from app.commands import database, export_and_close, ledger, money, payouts, schema, users
    from app.commands.command_context import EXTENSION_NAME, CommandContext

    app.extensions[EXTENSION_NAME] = CommandContext(settings, sessions, schema_text)
    money.money.add_command(payouts.payout)
    for command in (export_and_close.export, export_and_close.close):
        users.users.add_command(command)
    for group in (users.users, money.money, ledger.ledger, database.db, schema.schema):
        app.cli.add_command(group)
