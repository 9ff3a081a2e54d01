"""Owns what a resolver is given besides its arguments: the session of the request's one unit of work, and who is asking."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from app.api.calls import RequestFailedError
from app.api.failures import belongs_in_payload
from app.api.limits import MAXIMUM_RELATED
from app.errors import InvalidInputError, UnauthenticatedError
from app.http import authenticate
from app.identity import Scope, unknown_api_token
from app.payments import BEYOND_ALL_NUMBERS, Payer, WalletRequest, check_page_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import GraphQLResolveInfo
    from sqlalchemy.orm import Session

    from app.api.calls import Calls
    from app.http import AuditEvent, PaymentRateLimit, RequestContext
    from app.identity import Viewer
    from app.money import Currency
    from app.payments import Order, Payment, PaymentPage, Sent
    from app.settings import Settings


@dataclass(slots=True, kw_only=True)
class Context:
    """One try of one request. A retry after a conflict gets a new one, so nothing of the try before stays."""

    session: Session
    settings: Settings
    request_context: RequestContext
    payment_rate_limit: PaymentRateLimit
    calls: Calls
    token_digest: bytes | None
    """Of the request's API token."""
    is_identified: bool = False
    """Whether it is known who asks. By an API token the first statement that needs to know tells it along with its own."""
    identified_viewer: Viewer | None = None
    required: set[Scope] = field(default_factory=set)
    """What the owner of the token has to be allowed, once it is known who that is."""

    login_token: str | None = None
    """For the cookie: a new login's token, "" to take the cookie away, None to leave it."""
    refused: bool = False
    """Whether the mutation was refused; then nothing of the transaction is kept."""

    retry_after_seconds: int | None = None
    """How long to wait, when it was refused because it was too often."""

    audit_event: AuditEvent | None = None
    """What the mutation did, for the log."""

    pages: list[list[Payment]] = field(default_factory=list)
    """The lists of payments that are answered: what is asked of one of a list is asked of all."""

    given_back: dict[str, Payment | None] = field(default_factory=dict)
    """For the id of a refund the payment that it gives back, where it was looked up."""

    refunds: dict[str, list[Payment]] = field(default_factory=dict)
    """For the id of a payment its refunds, where they were looked up."""

    related: int = 0
    """How many of MAXIMUM_RELATED are used."""

    @property
    def currency(self) -> Currency:
        """The deployment's one currency."""
        return self.settings.currency

    @property
    def viewer(self) -> Viewer | None:
        """Who is asking; None when nobody is signed in. Raises: RequestFailedError for a token that is nobody's."""
        if not self.is_identified:
            try:
                self.identify(authenticate(self.session, self.request_context, self.settings))
            except UnauthenticatedError as failure:
                raise RequestFailedError(failure) from None
        return self.identified_viewer

    def identify(self, viewer: Viewer | None) -> None:
        """Note who is asking. Raises: ForbiddenError when a field before needed a scope that is missing."""
        self.is_identified, self.identified_viewer = True, viewer
        for scope in self.required:
            self.signed_in().require(scope)

    def settle(self) -> None:
        """Find out who asks, even if no field does; and count anew. Raises: RequestFailedError for a token that is nobody's."""
        self.related = 0
        if self.retry_after_seconds is None:  # a payment too many costs no statement
            _ = self.viewer

    def asking(self) -> Viewer | None:
        """The viewer, or what stands for the viewer until it is known whose the request's token is."""
        return self.viewer if self.is_identified else cast("Viewer", TokenOwner(self))

    def signed_in(self) -> Viewer:
        """Who is asking. Raises: UnauthenticatedError when nobody is signed in."""
        if self.viewer is None:
            raise UnauthenticatedError
        return self.viewer

    def admit_payments(self, count: int = 1, *, at_once: bool = False) -> None:
        """Count payments against the limit of the token, or of the person. Raises: RateLimitedError."""
        key = self.token_digest or self.signed_in().user_id
        if at_once:
            self.payment_rate_limit.admit_payout(key, count)
        else:
            self.payment_rate_limit.admit(key, count)

    def send_payment(self, order: Order) -> Sent:
        """Send a payment of the viewer's. Raises: RequestFailedError for what is no fault of the order."""
        payer = Payer.of(self.signed_in()) if self.is_identified else Payer(token_digest=self.token_digest)
        sent = self.calls.send_payment(self.session, payer, order)
        owner = sent.viewer
        if owner:
            self.identify(owner)
        if sent.failure and not belongs_in_payload(sent.failure):
            raise RequestFailedError(sent.failure)
        return sent

    def read_page(self, *, first: int, before_number: int | None) -> PaymentPage:
        """A page of all of the viewer's payments, with the wallet at that moment.

        Raises: InvalidInputError (first), ForbiddenError without the scope READ, RequestFailedError.
        """
        check_page_size(first)
        before = BEYOND_ALL_NUMBERS if before_number is None else before_number
        digest, account_id = (None, self.signed_in().account_id) if self.is_identified else (self.token_digest, None)
        request = WalletRequest(digest, account_id, before, first)
        snapshot = self.calls.read_wallet(self.session, request, self.currency)
        if snapshot is None:
            self.signed_in().require(Scope.READ)  # tells why
            raise RequestFailedError(unknown_api_token())  # it was revoked, and made anew meanwhile
        if snapshot.viewer:
            self.identify(snapshot.viewer)
        return snapshot.page

    def require_sign_in(self) -> None:
        """Raises: UnauthenticatedError when nobody is signed in."""
        if self.is_identified:
            self.signed_in()

    def page_of(self, payment: Payment) -> list[Payment]:
        """The first list that it is answered in; of none, the payment alone."""
        return next((page for page in self.pages if any(each.id_text == payment.id_text for each in page)), [payment])

    def relate(self, field: str, count: int) -> None:
        """Count the payments that this field of a payment answers. Raises: InvalidInputError beyond the limit."""
        self.related += count
        if self.related > MAXIMUM_RELATED:
            message = f"`refunds` and `refundOf` would answer more than {MAXIMUM_RELATED} payments. Ask for fewer payments at once."
            raise InvalidInputError(user_message=message, field=field)


class TokenOwner:
    """Whoever the request's API token belongs to, as long as nothing told who that is. Only where a field is read, it is looked up."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def require(self, scope: Scope) -> None:
        """As `Viewer.require`, at the latest before the answer is given."""
        if self._context.is_identified:
            self._context.signed_in().require(scope)
        self._context.required.add(scope)

    def __getattr__(self, name: str) -> object:
        """Of the viewer."""
        return getattr(self._context.signed_in(), name)


def resolver(function: Callable[..., object]) -> Callable[..., object]:
    """What GraphQL calls for a field, made of a plain function of the parent, the context and the field's arguments."""

    def resolve(parent: object, info: GraphQLResolveInfo, **arguments: Any) -> object:  # noqa: ANN401 - each function types its own
        return function(parent, info.context, **arguments)

    return resolve
