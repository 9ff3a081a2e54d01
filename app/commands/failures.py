"""Owns how a command fails: one sentence on standard error and an exit code, in one place for all commands."""

from __future__ import annotations

from typing import Any, Final

import click
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from app.commands.audit import AuditedCommand
from app.commands.exit_codes import EXIT_CODES, ExitCode
from app.database import sqlstate
from app.errors import (
    BalanceTooLargeError,
    ConflictRetryError,
    DatabaseUnavailableError,
    IdempotencyKeyReusedError,
    InsufficientFundsError,
    SettingError,
    WalletClosedError,
    WalletError,
    WalletFrozenError,
    WalletNotEmptyError,
)
from app.settings import where_set

# What the pages tell a person is not always what the operator can do about it.
UNREACHABLE_ERRORS: Final = (DatabaseUnavailableError, ConflictRetryError)
REFUSALS: Final = (
    InsufficientFundsError, BalanceTooLargeError, WalletClosedError, WalletFrozenError, WalletNotEmptyError, IdempotencyKeyReusedError,
)
SENTENCES: Final[dict[type[Exception], str]] = {
    ConflictRetryError: "The database is too busy and nothing was changed. Try again.",
    WalletFrozenError: "The wallet is frozen and nothing was moved. Open it first with `users unfreeze`.",
    IdempotencyKeyReusedError:
        "This --id belongs to a different movement and nothing was moved now. Leave --id out to make a new one.",
}
BEHIND: Final = "The database lacks tables that this release needs. Run `db upgrade` first."
NOT_THE_OWNER: Final = (
    "This role of the database may not do that. Set DATABASE_URL to the database's address as payment_system and "
    'DATABASE_OWNER_URL as the role that owns it; README.md says under "On a database of your own" how to make both.'
)
IN_USE: Final = "Something else is using the tables, so nothing was changed. Try again in a moment."


class OperatorGroup(AppGroup):
    """Commands whose foreseen failures are sentences. A bug keeps its traceback: who runs a terminal may see and report it.

    What changes something is written down.
    """

    command_class = AuditedCommand

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Take a command into the group, with the exit codes in its help."""
        cmd.epilog = cmd.epilog or EXIT_CODES
        super().add_command(cmd, name)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as AppGroup's
        """Run the command; a foreseen failure ends the program with its sentence and code."""
        try:
            return super().invoke(ctx)
        except (WalletError, SettingError, DBAPIError) as error:
            told = _told_by_database(error) if isinstance(error, DBAPIError) else _told(error)
            if told is None:
                raise
            code, sentence = told
            click.echo(f"Error: {sentence}", err=True)
            ctx.exit(code)


def _told(error: WalletError | SettingError) -> tuple[ExitCode, str]:
    code = ExitCode.BAD_INPUT
    if isinstance(error, UNREACHABLE_ERRORS):
        code = ExitCode.UNREACHABLE
    elif isinstance(error, REFUSALS):
        code = ExitCode.NO
    return code, _sentence(error)


def _sentence(error: WalletError | SettingError) -> str:
    match error:
        case InsufficientFundsError():
            return f"The wallet holds {error.balance.formatted}, {error.shortfall.formatted} too little. Nothing was moved."
        case WalletNotEmptyError():
            return f"The wallet holds {error.balance.formatted}. Empty it first, for example with `money redeem`. Nothing was changed."
        case DatabaseUnavailableError():
            return _unreachable(str(error))
        case WalletError():
            return SENTENCES.get(type(error), error.user_message)
    return str(error)


def _told_by_database(error: DBAPIError) -> tuple[ExitCode, str] | None:
    """What is foreseen of PostgreSQL's own errors; None for the rest, which are bugs."""
    match sqlstate(error):
        case "42P01" | "42883" | "3F000":  # no such table, function, schema
            return ExitCode.NO, BEHIND
        case "42501":  # insufficient privilege
            return ExitCode.BAD_INPUT, NOT_THE_OWNER
        case "55P03":  # lock not available
            return ExitCode.UNREACHABLE, IN_USE
    if isinstance(error, (OperationalError, InterfaceError)):
        return ExitCode.UNREACHABLE, _unreachable(str(error.orig))
    return None


def _unreachable(reason: str) -> str:
    first_line = next((line.strip() for line in reason.splitlines() if line.strip()), "no reason given")
    return (f"{where_set('DATABASE_URL')}The database cannot be reached ({first_line}). "
            "Check that PostgreSQL runs and that DATABASE_URL is right. Try again.")
