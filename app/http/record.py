"""Owns the one line that each request leaves in the log: who, what, from where, result, how long; no query string, no secret."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.http.asking import Facts

log = logging.getLogger(__name__)


def record_request(facts: Facts, *, status: int, username: str | None, began_seconds: float) -> None:
    """Write the request down at its end.

    Args:
        began_seconds: what time.monotonic() said at its beginning.
    """
    log.info("request", extra={
        "request_id": facts.request_id, "method": facts.method, "path": facts.path, "status": status, "user": username,
        "address": facts.remote_address, "duration_ms": round((time.monotonic() - began_seconds) * 1000, 1),
    })
