"""Owns what the mutations answer, as dataclasses. Made from `errors` alone, each says that nothing was done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from app.api.errors import Refusal
    from app.identity import Viewer
    from app.models import ApiToken
    from app.money import Money
    from app.payments import Payment


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewerPayload:
    """Who is signed in now."""

    viewer: Viewer | None = None
    errors: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPayload:
    """Which payment is in the books. Its fields are read only if they are asked for."""

    payment_id: UUID | None = None
    payment: Payment | None = None
    """When it is known already; else it is looked up."""
    find: Callable[[UUID], Payment] | None = None
    """How it is looked up, when it is one of many."""
    replayed: bool = False
    errors: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentsPayload:
    """What became of each of many payments, in their order."""

    results: tuple[PaymentPayload, ...] = ()
    total: Money | None = None
    errors: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiTokenPayload:
    """The new token and its secret."""

    api_token: ApiToken | None = None
    secret: str | None = None
    errors: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DonePayload:
    """Whether it was done."""

    done: bool = False
    errors: tuple[Refusal, ...] = ()
