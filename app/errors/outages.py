"""Owns the failures of the program itself: it is too busy, without its database, or set up wrongly."""

from __future__ import annotations

from typing import ClassVar

from app.errors.base import WalletError


class ConflictRetryError(WalletError):
    """Other work on the same wallets kept getting in the way; nothing was changed."""

    code = "CONFLICT_RETRY"
    http_status = 503
    default_message = "The wallet is very busy and nothing was changed. Send the same again."


class DatabaseUnavailableError(WalletError):
    """PostgreSQL did not answer. Whether a change in flight was stored is unknown; the same id settles it."""

    code = "CONFLICT_RETRY"
    http_status = 503
    default_message = "The wallet cannot reach its books right now. Send the same again in a moment: nothing is paid twice."
    RETRY_AFTER_SECONDS: ClassVar[int] = 5


class SettingError(Exception):
    """A setting has a value that cannot be used; the message names it, the value's fault and the cure."""
