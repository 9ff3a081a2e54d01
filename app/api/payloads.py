"""Owns what the mutations answer, as dataclasses. Made from `errors` alone, each says that nothing was done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.http import DONE, AuditEvent

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from app.api.refusals import Refusal
    from app.identity import Viewer
    from app.models import ApiToken
    from app.money import Money
    from app.payments import Payment


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """What all of them have."""

    errors: tuple[Refusal, ...] = ()

    @property
    def object_id(self) -> UUID | None:
        """What was made or ended, for the log."""
        return None

    @property
    def count(self) -> int | None:
        """How many were made, of many."""
        return None

    def audit_event(self, action: str) -> AuditEvent:
        """What the log says of it."""
        refused = self.errors and not self.count
        return AuditEvent(action=action, result=self.errors[0].code if refused else DONE, object_id=self.object_id, count=self.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewerPayload(Payload):
    """Who is signed in now."""

    viewer: Viewer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPayload(Payload):
    """Which payment is in the books. Its fields are read only if they are asked for."""

    payment_id: UUID | None = None
    payment: Payment | None = None
    """When it is known already; else it is looked up."""
    find: Callable[[UUID], Payment] | None = None
    """How it is looked up, when it is one of many."""
    replayed: bool = False

    @property
    def object_id(self) -> UUID | None:
        """The payment's id."""
        return self.payment_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentsPayload(Payload):
    """What became of each of many payments, in their order."""

    results: tuple[PaymentPayload, ...] = ()
    total: Money | None = None

    @property
    def count(self) -> int | None:
        """How many of them are in the books."""
        return sum(each.payment_id is not None for each in self.results)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiTokenPayload(Payload):
    """The new token and its secret."""

    api_token: ApiToken | None = None
    secret: str | None = None

    @property
    def object_id(self) -> UUID | None:
        """The token's id, which opens nothing."""
        return self.api_token.id if self.api_token else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DonePayload(Payload):
    """Whether it was done."""

    done: bool = False
    ended: UUID | None = None
    """The login or token that opens nothing any more."""

    @property
    def object_id(self) -> UUID | None:
        """What was ended."""
        return self.ended
