"""Owns the line that each command of the operator's which changes something leaves: who, what, when, from where, result; no secret."""

from __future__ import annotations

import getpass
import logging
import os
from logging.handlers import SysLogHandler
from pathlib import Path
from typing import Any, Final

import click

from app.errors import WalletError
from app.logs import JsonLines

# What only shows something. All others are written down, so that a new one is unless it is listed here.
READING: Final = frozenset({
    "users list", "users show", "users export", "ledger verify", "ledger trial-balance", "db check", "schema export",
})
# What a command was given that tells what it did; a free text is for the person who reads their history, and may hold anything.
TOLD: Final = ("username", "amount", "payment_id", "transfer_id", "payout_id", "revoke_tokens", "remove")
SYSTEM_LOG: Final = Path("/dev/log")
DONE: Final = "done"
log: Final = logging.getLogger("app.commands.audit")


class AuditedCommand(click.Command):
    """A command that is written down once its arguments were understood."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click's
        """Run it, and write down what came of it."""
        name = " ".join(each.info_name or "" for each in (ctx.parent, ctx) if each)
        if name in READING:
            return super().invoke(ctx)
        result = DONE
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit as end:
            result = f"exit code {end.exit_code}"
            raise
        except BaseException as error:
            result = error.code if isinstance(error, WalletError) else type(error).__name__
            raise
        finally:
            given = {key: str(ctx.params[key]) for key in TOLD if ctx.params.get(key)}
            log.info("command", extra={"action": name, "operator": operator(), "address": address(), "result": result, **given})


def operator() -> str:
    """The person's account on this host: theirs, also where `sudo` gave them another."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def address() -> str | None:
    """From where they came, if by SSH."""
    return os.environ.get("SSH_CONNECTION", "").partition(" ")[0] or None


def log_to_system() -> None:
    """Send these lines to the host's log where it has one: a terminal would only lose them."""
    if SYSTEM_LOG.exists() and not log.handlers:
        handler = SysLogHandler(str(SYSTEM_LOG), facility=SysLogHandler.LOG_AUTHPRIV)
        handler.ident = "payment-system: "
        handler.setFormatter(JsonLines())
        log.addHandler(handler)
        log.propagate = False
