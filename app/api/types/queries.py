"""Owns the declaration of the root type for reading."""

from __future__ import annotations

from graphene import Argument, Boolean, Field, Int, NonNull, ObjectType, String

from app.api.context import resolver
from app.api.limits import DEFAULT_PAGE_SIZE
from app.api.resolvers import queries
from app.api.types.people import User, UserConnection
from app.api.types.scalars import UUID, DateTime, Username
from app.api.types.wallets import Money, Payment, Viewer


class LedgerHealth(ObjectType):
    """Anyone may ask whether the books balance."""

    balanced = NonNull(Boolean, description="Whether all that was issued is held by people, to the last penny.")
    issued = Field(NonNull(Money), description="What the operator put in, less what was taken out.")
    held_by_people = Field(NonNull(Money), description="The sum of all wallets.")
    payments = NonNull(String, resolver=resolver(queries.payment_count), description="How many transfers the books hold, as text.")
    checked_at = NonNull(DateTime, description="The moment of these figures.")


class Query(ObjectType):
    """Everything that can be read."""

    viewer = Field(Viewer, resolver=resolver(queries.viewer), description="Who is signed in; null when nobody is.")
    users = Field(
        NonNull(UserConnection),
        search=Argument(String, description=(
            "Part of a handle or display name, in any case: one line of at most 64 characters, all of which show."
        )),
        first=Argument(Int, default_value=DEFAULT_PAGE_SIZE, description="How many, 1 to 100."),
        after=Argument(String, description="The `endCursor` of the page before."),
        resolver=resolver(queries.users),
        description="The people here, in the order of their handles.",
    )
    user = Field(
        User,
        username=Argument(NonNull(Username), description="The handle."),
        resolver=resolver(queries.user),
        description="The person of this handle; null when it is nobody's.",
    )
    payment = Field(
        Payment,
        payment_id=Argument(NonNull(UUID), name="id", description="The idempotency key that it was made with."),
        resolver=resolver(queries.payment),
        description="A payment, only to its payer and payee; to anyone else it does not exist.",
    )
    ledger_health = Field(NonNull(LedgerHealth), resolver=resolver(queries.ledger_health), description="Whether the books balance.")
