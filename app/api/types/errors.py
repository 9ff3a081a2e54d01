"""Owns the declarations of errors as data."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from graphene import Enum, Field, Int, Interface, List, NonNull, ObjectType, String

from app.api.refusals import FundsRefusal, RateRefusal
from app.api.types.wallets import Money

if TYPE_CHECKING:
    from graphql import GraphQLResolveInfo


class Code(StrEnum):
    """The codes of the contract; a test holds them against the classes of `app.errors`."""

    INVALID_AMOUNT = "INVALID_AMOUNT"
    INVALID_USERNAME = "INVALID_USERNAME"
    INVALID_PASSWORD = "INVALID_PASSWORD"  # nosec B105 # noqa: S105 - the name of a code
    INVALID_INPUT = "INVALID_INPUT"
    USERNAME_TAKEN = "USERNAME_TAKEN"
    WRONG_CREDENTIALS = "WRONG_CREDENTIALS"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    SELF_PAYMENT = "SELF_PAYMENT"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    BALANCE_TOO_LARGE = "BALANCE_TOO_LARGE"
    WALLET_FROZEN = "WALLET_FROZEN"
    WALLET_CLOSED = "WALLET_CLOSED"
    WALLET_NOT_EMPTY = "WALLET_NOT_EMPTY"
    NOT_ATTEMPTED = "NOT_ATTEMPTED"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    NOT_REFUNDABLE = "NOT_REFUNDABLE"
    REFUND_TOO_LARGE = "REFUND_TOO_LARGE"
    REQUEST_NOT_OPEN = "REQUEST_NOT_OPEN"
    RATE_LIMITED = "RATE_LIMITED"
    CONFLICT_RETRY = "CONFLICT_RETRY"


_DESCRIPTIONS = {
    None: "What a program branches on. The same codes are in `extensions.code` of top-level errors.",
    Code.INVALID_AMOUNT: "Not an exact positive amount of the wallet's currency.",
    Code.INVALID_USERNAME: "Not a handle, or one that is kept for the site.",
    Code.INVALID_PASSWORD: "A new password that is too short, too long or easy to guess.",
    Code.INVALID_INPUT: "A value of the wrong form that has no code of its own.",
    Code.USERNAME_TAKEN: "Somebody has this handle.",
    Code.WRONG_CREDENTIALS: "Unknown name or wrong password; never says which.",
    Code.UNAUTHENTICATED: "Nobody is signed in.",
    Code.FORBIDDEN: "The caller may not do this, for example for want of a scope.",
    Code.NOT_FOUND: "It does not exist, or not for this person.",
    Code.SELF_PAYMENT: "Payer and payee are one.",
    Code.INSUFFICIENT_FUNDS: "The wallet holds less than the amount.",
    Code.BALANCE_TOO_LARGE: "A wallet would hold more than the books can write down.",
    Code.WALLET_FROZEN: "One of the two wallets is frozen.",
    Code.WALLET_CLOSED: "One of the two accounts is closed.",
    Code.WALLET_NOT_EMPTY: "The account cannot be closed while its wallet holds money.",
    Code.NOT_ATTEMPTED: "Nothing is wrong with this item, but another one of its all-or-none group was refused.",
    Code.IDEMPOTENCY_KEY_REUSED: "The key belongs to another payment already, or to this one with another amount or memo.",
    Code.NOT_REFUNDABLE: "It is no payment, but a refund, or money that the operator issued or redeemed.",
    Code.REFUND_TOO_LARGE: "More than is left of the payment.",
    Code.REQUEST_NOT_OPEN: "The request for money was paid, declined, cancelled or has expired.",
    Code.RATE_LIMITED: "Too many tries.",
    Code.CONFLICT_RETRY: "The wallet is busy or cannot reach its books: send the same again, with the same idempotency key.",
}

ErrorCode = Enum.from_enum(Code, name="ErrorCode", description=lambda value: _DESCRIPTIONS[value])


class UserError(Interface):
    """What went wrong, in words for the person using the page; branch on code.

    Problems of the developer's own making (a bad query, a bug) are top-level errors instead.
    """

    code = NonNull(ErrorCode, description="What a program branches on.")
    message = NonNull(String, description="What happened and what to do next, for the person.")
    field = List(NonNull(String), description="The input that was wrong; null when no single one was.")

    @classmethod
    def resolve_type(cls, refusal: object, _info: GraphQLResolveInfo) -> type[ObjectType]:
        """The type that has all the members of this failure."""
        if isinstance(refusal, FundsRefusal):
            return InsufficientFundsError
        return RateLimitedError if isinstance(refusal, RateRefusal) else BasicError


class BasicError(ObjectType):
    """A failure that a code and a sentence say all about."""

    class Meta:
        """Graphene takes what a type implements from here."""

        interfaces = (UserError,)


class InsufficientFundsError(ObjectType):
    """The wallet holds less than the amount. An API token without the scope READ is told so by a BasicError of the same code."""

    class Meta:
        """Graphene takes what a type implements from here."""

        interfaces = (UserError,)

    balance = Field(NonNull(Money), description="What the wallet holds.")
    shortfall = Field(NonNull(Money), description="What is missing.")


class RateLimitedError(ObjectType):
    """Too many tries."""

    class Meta:
        """Graphene takes what a type implements from here."""

        interfaces = (UserError,)

    retry_after_seconds = NonNull(Int, description="Whole seconds until the next try can succeed.")


ERROR_TYPES = (BasicError, InsufficientFundsError, RateLimitedError)
