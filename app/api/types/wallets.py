"""Owns the declarations of what belongs to the viewer: wallet, payments, logins and API tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphene import Argument, Boolean, Enum, Field, InputField, InputObjectType, Int, List, NonNull, ObjectType, String

from app import identity, payments
from app.api.connection import count_of
from app.api.context import resolver
from app.api.limits import DEFAULT_BALANCE_DAYS, DEFAULT_PAGE_SIZE
from app.api.resolvers import wallets
from app.api.types.people import PageInfo, User
from app.api.types.scalars import UUID, Amount, DateTime, Username

if TYPE_CHECKING:
    from collections.abc import Mapping


# What Graphene writes beside each value; None is the enum itself.
_DIRECTIONS: Final[Mapping[payments.Direction | None, str]] = {
    None: "Which way the money went, as the viewer sees it.",
    payments.Direction.SENT: "From the viewer's wallet.",
    payments.Direction.RECEIVED: "To the viewer's wallet.",
}
_KINDS: Final[Mapping[payments.PaymentKind | None, str]] = {
    None: "Why the money moved.",
    payments.PaymentKind.PAYMENT: "A person paid another.",
    payments.PaymentKind.REFUND: "A person gave back part or all of a payment.",
    payments.PaymentKind.ISSUE: "The operator put money into a wallet.",
    payments.PaymentKind.REDEEM: "The operator took money out of a wallet.",
}
_STATUSES: Final[Mapping[payments.WalletStatus | None, str]] = {
    None: "Whether money can move.",
    payments.WalletStatus.OPEN: "Money can leave and arrive.",
    payments.WalletStatus.FROZEN: "People can move no money from it or to it until the operator opens the wallet again.",
    payments.WalletStatus.OUTGOING_FROZEN: "Money can arrive, but people can move none from it until the operator opens the wallet again.",
    payments.WalletStatus.CLOSED: "The account is closed for good.",
}
_SCOPES: Final[Mapping[identity.Scope | None, str]] = {
    None: "What an API token may do.",
    identity.Scope.READ: "See what its owner sees.",
    identity.Scope.PAY: "Pay and refund, and see what it pays and refunds; alone, never a balance.",
}

Direction = Enum.from_enum(payments.Direction, description=_DIRECTIONS.__getitem__)
PaymentKind = Enum.from_enum(payments.PaymentKind, description=_KINDS.__getitem__)
WalletStatus = Enum.from_enum(payments.WalletStatus, description=_STATUSES.__getitem__)
TokenScope = Enum.from_enum(identity.Scope, name="TokenScope", description=_SCOPES.__getitem__)


class Money(ObjectType):
    """An exact amount of the deployment's currency."""

    amount = NonNull(Amount, description="The exact decimal, with all its fraction digits.")
    currency = NonNull(String, description="The ISO 4217 code.")
    formatted = NonNull(String, description="For people, e.g. £1,234.50")


class Payment(ObjectType):
    """A transfer of money, as one of its two people sees it."""

    id = Field(NonNull(UUID), source="id_text", description="The idempotency key that it was made with.")
    kind = NonNull(PaymentKind, description="Why the money moved.")
    amount = Field(NonNull(Money), description="How much; always above zero.")
    payer = Field(User, resolver=resolver(wallets.payer), description="Whose money it was; null when it came from the operator.")
    payee = Field(User, resolver=resolver(wallets.payee), description="Whose it is now; null when it went to the operator.")
    direction = NonNull(Direction, description="As the viewer sees it.")
    memo = String(description="What it was for, in the payer's words.")
    created_at = NonNull(DateTime, description="When it was put into the books.")
    balance_after = Field(Money, description="The viewer's balance right after it; null for a token without the scope READ, and only then.")
    refunded = Field(NonNull(Money), description="How much of it was given back so far.")
    refund_of = Field(lambda: Payment, resolver=resolver(wallets.refund_of), description="The payment that this one gives back.")
    refunds = NonNull(
        List(NonNull(lambda: Payment)), resolver=resolver(wallets.refunds), description="What was given back of it, oldest first.",
    )


class PaymentEdge(ObjectType):
    """A payment and its place in the history."""

    cursor = NonNull(String, description="The place, to be sent as `after`.")
    node = Field(NonNull(Payment), description="The payment.")


class PaymentConnection(ObjectType):
    """A page of a wallet's history, newest first."""

    nodes = NonNull(List(NonNull(Payment)), description="The payments of this page.")
    edges = NonNull(List(NonNull(PaymentEdge)), description="The same with their places.")
    page_info = Field(NonNull(PageInfo), description="Whether more follow.")
    total_count = Field(NonNull(Int), resolver=resolver(count_of), description="How many payments the whole history, or the filter, has.")


class PaymentFilter(InputObjectType):
    """Which payments to show; what is absent or blank does not restrict."""

    direction = InputField(Direction, description="Only sent, or only received.")
    counterparty = InputField(Username, description="Only with this person.")
    kind = InputField(PaymentKind, description="Only of this kind.")
    from_ = InputField(DateTime, name="from", description="At or after this moment.")
    to = InputField(DateTime, description="Before this moment.")
    min_amount = InputField(Amount, description="At least this much; may be zero.")
    max_amount = InputField(Amount, description="At most this much; may be zero.")
    text = InputField(String, description=(
        "Part of the memo, or of the other person's handle or display name, in any case: "
        "one line of at most 64 characters, all of which show."
    ))


class BalancePoint(ObjectType):
    """What a wallet held at the end of a day."""

    date = NonNull(DateTime, description="The day's first moment, UTC.")
    balance = Field(NonNull(Money), description="At the day's end; today's is the balance now.")


class Wallet(ObjectType):
    """The viewer's money."""

    balance = Field(NonNull(Money), description="What it holds now.")
    status = NonNull(WalletStatus, description="Whether money can leave and arrive.")
    payments = Field(
        NonNull(PaymentConnection),
        filter_=Argument(PaymentFilter, name="filter", description="Which payments; all when absent."),
        first=Argument(Int, default_value=DEFAULT_PAGE_SIZE, description="How many, 1 to 100."),
        after=Argument(String, description="The `endCursor` of the page before."),
        resolver=resolver(wallets.payments_of_wallet),
        description="The history, newest first.",
    )
    balance_history = NonNull(
        List(NonNull(BalancePoint)),
        days=Argument(Int, default_value=DEFAULT_BALANCE_DAYS, description="How many days, 1 to 366, today last."),
        resolver=resolver(wallets.balance_history),
        description="Balance at the end of each day, for the chart.",
    )


class Login(ObjectType):
    """A browser in which the viewer is signed in."""

    id = NonNull(UUID, description="To be given to `revokeLogin`.")
    created_at = NonNull(DateTime, description="When the viewer logged in there.")
    last_seen_at = NonNull(DateTime, description="When it was last used, to the minute.")
    user_agent = String(description="What the browser calls itself.")
    current = NonNull(Boolean, resolver=resolver(wallets.is_current), description="Whether this request came from it.")


class ApiToken(ObjectType):
    """A client's way in: named, scoped and revocable by its owner."""

    id = NonNull(UUID, description="To be given to `revokeApiToken`.")
    name = NonNull(String, description="What its owner calls it.")
    scopes = NonNull(List(NonNull(TokenScope)), description="What it may do.")
    created_at = NonNull(DateTime, description="When it was made.")
    last_used_at = DateTime(description="When it was last used, to the minute; null if never.")


class Viewer(ObjectType):
    """The person who is signed in, and all that only they may see."""

    user = Field(NonNull(User), description="What others see of them.")
    wallet = Field(NonNull(Wallet), resolver=resolver(wallets.wallet), description="Their money.")
    logins = NonNull(List(NonNull(Login)), resolver=resolver(wallets.logins), description="Where they are signed in, newest first.")
    api_tokens = NonNull(List(NonNull(ApiToken)), resolver=resolver(wallets.api_tokens), description="Their tokens, newest first.")
