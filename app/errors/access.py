"""Owns the failures of authentication, permissions, hosts and rate limits."""

from __future__ import annotations

from typing import Final

from app.errors.base import WalletError

# From here on a wait is shown in minutes.
LONG_SECONDS: Final = 120


class WrongCredentialsError(WalletError):
    """The username is unknown or the password is wrong. It never says which."""

    code = "WRONG_CREDENTIALS"
    http_status = 401
    default_message = "The username or the password is not right. Check both and try again."
    default_field = "password"
    account: str | None = None
    """The username of the login; None for an unknown username."""


class UnauthenticatedError(WalletError):
    """Nobody is signed in."""

    code = "UNAUTHENTICATED"
    http_status = 401
    default_message = "You are not logged in. Log in and try again."


class ForbiddenError(WalletError):
    """The person is known and may not do this."""

    code = "FORBIDDEN"
    http_status = 403
    default_message = "This is not allowed from where you are. Open the wallet's own page and try again."


class WrongHostError(ForbiddenError):
    """The request is for another host than this wallet's."""

    http_status = 421
    default_message = "This is not the wallet's own address. Open it under its own name."


class UnderPathError(ForbiddenError):
    """A proxy serves the wallet under a path of another site."""

    http_status = 421
    default_message = (
        "This wallet is served under a path, and it works only at the top of a host name of its own. "
        "Whoever runs it gives it one in the proxy, such as wallet.example."
    )


class NotFoundError(WalletError):
    """It does not exist, or this person may not see it. Both have the same message."""

    code = "NOT_FOUND"
    http_status = 404
    default_message = "There is nothing here by that name. Check it and try again."


class RateLimitedError(WalletError):
    """Too many attempts.

    Args:
        retry_after_seconds: whole seconds until the next attempt can succeed, at least 1.
    """

    code = "RATE_LIMITED"
    http_status = 429
    default_message = "That was too often. Wait a little and try again."

    def __init__(self, *, retry_after_seconds: int) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(user_message=f"That was too often. Try again in {_time_to_wait(retry_after_seconds)}.")


def _time_to_wait(seconds: int) -> str:
    if seconds >= LONG_SECONDS:
        return f"{-(-seconds // 60)} minutes"
    return "1 second" if seconds == 1 else f"{seconds} seconds"
