"""Owns the failures of the program itself: it is too busy, the database is away, or a setting is wrong."""

from __future__ import annotations

from typing import ClassVar

from app.errors.base import WalletError


class ConflictRetryError(WalletError):
    """Other transactions on the same wallets conflicted too often. Nothing was changed."""

    code = "CONFLICT_RETRY"
    http_status = 503
    default_message = "The wallet is very busy and nothing was changed. Send the same again."


class DatabaseUnavailableError(WalletError):
    """PostgreSQL did not answer. It is unknown whether a change was stored; a retry with the same id is safe."""

    code = "CONFLICT_RETRY"
    http_status = 503
    default_message = "The wallet cannot reach its books right now. Send the same again in a moment: nothing is paid twice."
    RETRY_AFTER_SECONDS: ClassVar[int] = 5


class SettingError(Exception):
    """A setting has a value that cannot be used. The message names the setting, the problem and the fix."""
