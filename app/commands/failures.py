"""Owns how all commands report an expected failure: one sentence on standard error and an exit code."""

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

# The operator can often do something else about a failure than the person at a page.
UNREACHABLE_ERRORS: Final = (DatabaseUnavailableError, ConflictRetryError)
REFUSALS: Final = (
    InsufficientFundsError, BalanceTooLargeError, WalletClosedError, WalletFrozenError, WalletNotEmptyError, IdempotencyKeyReusedError,
)
MESSAGES: Final[dict[type[Exception], str]] = {
    ConflictRetryError: "The database is too busy and nothing was changed. Try again.",
    WalletFrozenError: "The wallet is frozen and nothing was moved. Open it first with `users unfreeze`.",
    IdempotencyKeyReusedError:
        "This --id belongs to a different movement and nothing was moved now. Leave --id out to make a new one.",
}
MIGRATIONS_MISSING: Final = "The database lacks tables that this release needs. Run `db upgrade` first."
PRIVILEGE_MISSING: Final = (
    "This role of the database may not do that. Set DATABASE_URL to the database's address as payment_system and "
    'DATABASE_OWNER_URL as the role that owns it; README.md says under "On a database of your own" how to make both.'
)
TABLES_LOCKED: Final = "Something else is using the tables, so nothing was changed. Try again in a moment."


class OperatorGroup(AppGroup):
    """A group of commands. An expected failure is printed as a sentence, a bug keeps its traceback, and changes are logged."""

    command_class = AuditedCommand

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command, with the exit codes in its help."""
        cmd.epilog = cmd.epilog or EXIT_CODES
        super().add_command(cmd, name)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as AppGroup's
        """Run the command. An expected failure ends the program with its message and exit code."""
        try:
            return super().invoke(ctx)
        except (WalletError, SettingError, DBAPIError) as error:
            outcome = _database_exit_code_and_message(error) if isinstance(error, DBAPIError) else _exit_code_and_message(error)
            if outcome is None:
                raise
            code, message = outcome
            click.echo(f"Error: {message}", err=True)
            ctx.exit(code)


def _exit_code_and_message(error: WalletError | SettingError) -> tuple[ExitCode, str]:
    code = ExitCode.BAD_INPUT
    if isinstance(error, UNREACHABLE_ERRORS):
        code = ExitCode.UNREACHABLE
    elif isinstance(error, REFUSALS):
        code = ExitCode.NO
    return code, _message(error)


def _message(error: WalletError | SettingError) -> str:
    match error:
        case InsufficientFundsError():
            return f"The wallet holds {error.balance.formatted}, {error.shortfall.formatted} too little. Nothing was moved."
        case WalletNotEmptyError():
            return f"The wallet holds {error.balance.formatted}. Empty it first, for example with `money redeem`. Nothing was changed."
        case DatabaseUnavailableError():
            return _unreachable_message(str(error))
        case WalletError():
            return MESSAGES.get(type(error), error.user_message)
    return str(error)


def _database_exit_code_and_message(error: DBAPIError) -> tuple[ExitCode, str] | None:
    """The exit code and message of an expected PostgreSQL error; None for any other, which is a bug."""
    match sqlstate(error):
        case "42P01" | "42883" | "3F000":  # no such table, function, schema
            return ExitCode.NO, MIGRATIONS_MISSING
        case "42501":  # insufficient privilege
            return ExitCode.BAD_INPUT, PRIVILEGE_MISSING
        case "55P03":  # lock not available
            return ExitCode.UNREACHABLE, TABLES_LOCKED
    if isinstance(error, (OperationalError, InterfaceError)):
        return ExitCode.UNREACHABLE, _unreachable_message(str(error.orig))
    return None


def _unreachable_message(reason: str) -> str:
    first_line = next((line.strip() for line in reason.splitlines() if line.strip()), "no reason given")
    return (f"{where_set('DATABASE_URL')}The database cannot be reached ({first_line}). "
            "Check that PostgreSQL runs and that DATABASE_URL is right. Try again.")
