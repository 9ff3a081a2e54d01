"""Owns the one line that each request leaves in the log: who, what, from where, result, how long; no query string, no secret.

It is the audit, too: what changes something, or was refused, says so there by name, so that a payment costs no line of its own.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.errors import WrongCredentialsError

if TYPE_CHECKING:
    from uuid import UUID

    from app.errors import WalletError
    from app.http.facts import Facts

DONE: Final = "done"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What a request did, or was refused."""

    action: str | None
    """The mutation's name in snake case, which the pages use, too; None for what only reads."""
    result: str = DONE
    """DONE, or the code of the error."""
    object_id: UUID | str | None = None
    """The payment, token or login that was made or ended."""
    count: int | None = None
    """Of a payout, how many payments it made."""
    account: str | None = None
    """Of a login that was refused, whose it was to be; None for nobody's."""

    def fields(self) -> dict[str, object]:
        """As the line has them."""
        named = (("action", self.action), ("result", self.result), ("id", self.object_id), ("count", self.count), ("account", self.account))
        return {name: value for name, value in named if value is not None}


def deed_refused(error: WalletError, action: str | None = None) -> Deed:
    """What a request was refused, when it was to do this."""
    return Deed(action=action, result=error.code, account=error.account if isinstance(error, WrongCredentialsError) else None)


def record_request(facts: Facts, *, status: int, username: str | None, began_seconds: float, deed: Deed | None = None) -> None:
    """Write the request down at its end.

    Args:
        began_seconds: what time.monotonic() said at its beginning.
        deed: None for what only read, and was not refused.
    """
    fields = {
        "request_id": facts.request_id, "method": facts.method, "path": facts.path, "status": status, "user": username,
        "address": facts.remote_address, "duration_ms": round((time.monotonic() - began_seconds) * 1000, 1),
    }
    log.info("request", extra=fields | deed.fields() if deed else fields)
