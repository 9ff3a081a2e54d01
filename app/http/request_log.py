"""Owns the log line of each request: who, what, from where, result, duration. It holds no query string and no secret.

The line is the audit event, too: it names what the request changed or was refused. So a payment needs no second line.
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
    from app.http.request_context import RequestContext

DONE: Final = "done"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """What a request changed, or was refused."""

    action: str | None
    """The mutation's name in snake case, also for the pages; None for a request that only reads."""
    result: str = DONE
    """DONE, or the error code."""
    object_id: UUID | str | None = None
    """The id of the payment, token or login that was made or ended."""
    count: int | None = None
    """How many payments a payout made."""
    account: str | None = None
    """The account of a refused login; None for an unknown username."""

    def fields(self) -> dict[str, object]:
        """The fields of the log line."""
        named = (("action", self.action), ("result", self.result), ("id", self.object_id), ("count", self.count), ("account", self.account))
        return {name: value for name, value in named if value is not None}


def refused_event(error: WalletError, action: str | None = None) -> AuditEvent:
    """The event of a refused request; `action` is what it tried to do."""
    return AuditEvent(action=action, result=error.code, account=error.account if isinstance(error, WrongCredentialsError) else None)


def record_request(request_context: RequestContext, *, status: int, username: str | None, began_seconds: float,
                   audit_event: AuditEvent | None = None) -> None:
    """Log the request when it ends.

    Args:
        began_seconds: the value of time.monotonic() at the start of the request.
        audit_event: None for a request that only read and was not refused.
    """
    fields = {
        "request_id": request_context.request_id, "method": request_context.method, "path": request_context.path, "status": status,
        "user": username,
        "address": request_context.remote_address, "duration_ms": round((time.monotonic() - began_seconds) * 1000, 1),
    }
    log.info("request", extra=fields | audit_event.fields() if audit_event else fields)
