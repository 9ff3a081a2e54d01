"""Owns the fields of Query: who is asking, the people here, one payment, and whether the books balance."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from app import identity, ledger, payments
from app.api.connection import Connection
from app.api.inputs import cursor_of, read_username_cursor
from app.api.limits import DEFAULT_PAGE_SIZE
from app.errors import NotFoundError, UnauthenticatedError, error_field
from app.ids import parse_id

if TYPE_CHECKING:
    from app.api.context import Context
    from app.identity import Person, Viewer
    from app.ledger import TrialBalance
    from app.payments import Payment


def viewer(_: None, context: Context) -> Viewer | None:
    """The person who is signed in; None when nobody is."""
    return context.asking()


def users(
    _: None, context: Context, *, search: str | None = None, first: int | None = None, after: str | None = None
) -> Connection[Person]:
    """A page of the people here, in the order of their handles.

    Raises: InvalidInputError (search, first, after), UnauthenticatedError where the list is not public.
    """
    _require_leave_to_list(context)
    page = identity.list_people(
        context.session,
        search=search,
        first=DEFAULT_PAGE_SIZE if first is None else first,
        after=None if after is None else read_username_cursor(after),
    )
    return Connection(
        nodes=page.people,
        cursor=lambda person: cursor_of(person.username),
        has_next_page=page.more_follow,
        has_previous_page=after is not None,
        count=partial(identity.count_people, context.session, search=search),
    )


def user(_: None, context: Context, *, username: object) -> Person | None:
    """The person of this handle; None for a handle that is nobody's, or could be nobody's."""
    _require_leave_to_list(context)
    try:
        return identity.find_person(context.session, username)
    except NotFoundError:
        return None


def payment(_: None, context: Context, *, payment_id: object) -> Payment | None:
    """A payment of the viewer's; None for one between others exactly as for one that does not exist.

    Raises: InvalidInputError (id), ForbiddenError.
    """
    with error_field("id"):
        wanted = parse_id(payment_id)
    if context.viewer is None:
        return None
    try:
        return payments.find_payment(context.session, context.viewer, wanted, currency=context.currency)
    except NotFoundError:
        return None


def ledger_health(_: None, context: Context) -> TrialBalance:
    """Whether the books balance, at this moment."""
    return ledger.trial_balance(context.session, context.currency)


def payment_count(balance: TrialBalance, _: Context) -> str:
    """How many transfers the books hold, as text: there may be more than GraphQL's Int can count."""
    return str(balance.transfers)


def _require_leave_to_list(context: Context) -> None:
    if context.viewer is None and not context.settings.user_list_public:
        raise UnauthenticatedError(user_message="Who is here is shown to members only. Log in and try again.")
