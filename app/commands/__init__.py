"""Owns the operator's `flask …` commands: a thin edge over the core, as the pages and the API are. Holds no rules of its own."""

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
        schema_text: gives the public API in GraphQL's schema language. Handed in, since the API is a sibling of the commands.
    """
    # Here, so that `flask` tells of a wrong setting without waiting for SQLAlchemy.
    from app.commands import database, leaving, ledger, money, payouts, schema, users
    from app.commands.desk import EXTENSION_NAME, Desk

    app.extensions[EXTENSION_NAME] = Desk(settings, sessions, schema_text)
    money.money.add_command(payouts.payout)
    for command in (leaving.export, leaving.close):
        users.users.add_command(command)
    for group in (users.users, money.money, ledger.ledger, database.db, schema.schema):
        app.cli.add_command(group)
