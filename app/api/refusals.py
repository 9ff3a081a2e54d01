"""Owns errors as data: what a mutation's payload says of an expected failure. The one place that turns a WalletError into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.errors import InsufficientFundsError, RateLimitedError
from app.identity import Scope

if TYPE_CHECKING:
    from app.errors import WalletError
    from app.identity import Viewer
    from app.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An expected failure as the API shows it. Not an exception: GraphQL would raise one that a resolver returns."""

    code: str
    message: str
    field: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FundsRefusal(Refusal):
    """With the figures from which a client can say what is missing."""

    balance: Money
    shortfall: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRefusal(Refusal):
    """With the time to wait."""

    retry_after_seconds: int


def refusal_of(error: WalletError, viewer: Viewer | None) -> Refusal:
    """The error as data, with all its members that this viewer may see: without the scope READ, nothing that tells the balance."""
    field = (error.field,) if error.field else None
    if isinstance(error, InsufficientFundsError):
        if viewer is None or Scope.READ not in viewer.scopes:
            return Refusal(code=error.code, message=error.default_message, field=field)
        return FundsRefusal(
            code=error.code, message=error.user_message, field=field, balance=error.balance, shortfall=error.shortfall,
        )
    if isinstance(error, RateLimitedError):
        return RateRefusal(code=error.code, message=error.user_message, field=field, retry_after_seconds=error.retry_after_seconds)
    return Refusal(code=error.code, message=error.user_message, field=field)
