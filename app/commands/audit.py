"""Owns the audit event of each operator's command that changes something: who, what, when, from where, result. It holds no secret."""

from __future__ import annotations

import getpass
import logging
import os
from logging.handlers import SysLogHandler
from pathlib import Path
from typing import Any, Final

import click

from app.errors import WalletError
from app.logs import JsonFormatter

# Commands that change nothing. All other commands are logged, so a new command is logged unless it is listed here.
READ_ONLY_COMMANDS: Final = frozenset({
    "users list", "users show", "users export", "ledger verify", "ledger trial-balance", "db check", "schema export",
})
# Parameters that are logged. Free text is not: it is for the person's history and may hold anything.
LOGGED_PARAMETERS: Final = ("username", "amount", "payment_id", "transfer_id", "payout_id", "revoke_tokens", "remove")
SYSTEM_LOG: Final = Path("/dev/log")
DONE: Final = "done"
log: Final = logging.getLogger("app.commands.audit")


class AuditedCommand(click.Command):
    """A command that is logged after its arguments were parsed."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click's
        """Run the command and log its result."""
        name = " ".join(each.info_name or "" for each in (ctx.parent, ctx) if each)
        if name in READ_ONLY_COMMANDS:
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
            given = {key: str(ctx.params[key]) for key in LOGGED_PARAMETERS if ctx.params.get(key)}
            who = {"operator": operator_account(), "address": ssh_client_address()}
            log.info("command", extra={"action": name, **who, "result": result, **given})


def operator_account() -> str:
    """The operator's account on this host. After `sudo` it is the account that called sudo."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def ssh_client_address() -> str | None:
    """The address of the operator's SSH client; None without SSH."""
    return os.environ.get("SSH_CONNECTION", "").partition(" ")[0] or None


def log_to_syslog() -> None:
    """Send the events to the host's syslog if there is one. A terminal does not keep them."""
    if SYSTEM_LOG.exists() and not log.handlers:
        handler = SysLogHandler(str(SYSTEM_LOG), facility=SysLogHandler.LOG_AUTHPRIV)
        handler.ident = "payment-system: "
        handler.setFormatter(JsonFormatter())
        log.addHandler(handler)
        log.propagate = False
