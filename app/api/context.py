"""Owns what a resolver is given besides its arguments: the session of the request's one unit of work, and who is asking."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.api.limits import MAXIMUM_RELATED
from app.errors import InvalidInputError, UnauthenticatedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import GraphQLResolveInfo
    from sqlalchemy.orm import Session

    from app.http import Deed, Facts, Pace
    from app.identity import Viewer
    from app.money import Currency
    from app.payments import Payment, Seen, Settled
    from app.settings import Settings


class Outcome:
    """What became of the one mutation of a document. Who works its answer out again gets the same, and nothing is done twice."""

    def __init__(self) -> None:
        self._made: object = None
        self._failure: Exception | None = None

    def of(self, do: Callable[[], object]) -> object:
        """What it made, or raised, the first time."""
        if self._made is None and self._failure is None:
            try:
                self._made = do()
            except Exception as failure:
                self._failure = failure
                raise
        if self._failure is not None:
            raise self._failure
        return self._made


@dataclass(slots=True, kw_only=True)
class Context:
    """One try of one request. A retry after a conflict gets a new one, so nothing of the try before stays."""

    session: Session
    settings: Settings
    facts: Facts
    viewer: Viewer | None
    pace: Pace
    login_token: str | None = None
    """For the cookie: a new login's token, "" to take the cookie away, None to leave it."""
    refused: bool = False
    """Whether the mutation was refused; then nothing of the transaction is kept."""

    retry_after_seconds: int | None = None
    """How long to wait, when it was refused because it was too often."""

    deed: Deed | None = None
    """What the mutation did, for the log."""

    settled: Settled | None = None
    """What became of the payment, when it was posted before the query runs."""

    seen: Seen | None = None
    """The wallet with a page of its payments, when it was looked up before the query runs."""

    outcome: Outcome | None = None
    """Of the document's mutation, where its answer may be worked out twice."""

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

    def signed_in(self) -> Viewer:
        """Who is asking. Raises: UnauthenticatedError when nobody is signed in."""
        if self.viewer is None:
            raise UnauthenticatedError
        return self.viewer

    def page_of(self, payment: Payment) -> list[Payment]:
        """The first list that it is answered in; of none, the payment alone."""
        return next((page for page in self.pages if any(each.id_text == payment.id_text for each in page)), [payment])

    def relate(self, field: str, count: int) -> None:
        """Count the payments that this field of a payment answers. Raises: InvalidInputError beyond the limit."""
        self.related += count
        if self.related > MAXIMUM_RELATED:
            message = f"`refunds` and `refundOf` would answer more than {MAXIMUM_RELATED} payments. Ask for fewer payments at once."
            raise InvalidInputError(user_message=message, field=field)


def resolver(function: Callable[..., object]) -> Callable[..., object]:
    """What GraphQL calls for a field, made of a plain function of the parent, the context and the field's arguments."""

    def resolve(parent: object, info: GraphQLResolveInfo, **arguments: Any) -> object:  # noqa: ANN401 - each function types its own
        return function(parent, info.context, **arguments)

    return resolve
