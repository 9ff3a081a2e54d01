"""Owns the runtime: the settings, the database sessions and the payment rate limit of a running program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from flask import current_app

if TYPE_CHECKING:
    from app.database import Sessions
    from app.http.payment_rate_limit import PaymentRateLimit
    from app.settings import Settings

EXTENSION_NAME: Final = "wave"


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a running program holds. Each Flask application has one."""

    settings: Settings
    sessions: Sessions
    payment_rate_limit: PaymentRateLimit

    def disconnect(self) -> None:
        """Close the connections that are not in use."""
        self.sessions.kw["bind"].dispose()

    def forget_connections(self) -> None:
        """Drop the connections without closing them. A forked worker calls this: they belong to its parent process."""
        self.sessions.kw["bind"].dispose(close=False)


def runtime() -> Runtime:
    """The runtime of Flask's current application. Needs a request or a command."""
    return cast("Runtime", current_app.extensions[EXTENSION_NAME])
