"""Owns the fields of what belongs to the viewer: wallet, history, payments, logins and API tokens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from app import identity, payments
from app.amounts import parse_amount_or_zero
from app.api.connection import Connection
from app.api.inputs import GivenFilter, cursor_of, read_number_cursor
from app.api.limits import DEFAULT_BALANCE_DAYS, DEFAULT_PAGE_SIZE, MAXIMUM_RELATED
from app.errors import error_field
from app.identity import Scope
from app.payments import Direction, HistoryFilter
from app.single_line import parse_search, unless_blank
from app.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from app.api.context import Context
    from app.api.payloads import PaymentPayload
    from app.identity import Viewer
    from app.models import ApiToken, Login
    from app.money import Money
    from app.payments import BalancePoint, Counterparty, Payment, Wallet

Value = TypeVar("Value")


@dataclass(slots=True)
class OwnWallet:
    """The viewer's wallet. What is asked of it is looked up once, unless a page of its payments has brought it along."""

    viewer: Viewer
    context: Context
    found: Wallet | None = None

    @property
    def balance(self) -> Money:
        """What it holds now."""
        return self._found().balance

    @property
    def status(self) -> str:
        """Whether money can move."""
        return self._found().status

    def _found(self) -> Wallet:
        if self.found is None:
            self.found = payments.wallet(self.context.session, self.viewer, currency=self.context.currency)
        return self.found


def wallet(viewer: Viewer, context: Context) -> OwnWallet:
    """Raises: ForbiddenError without the scope READ."""
    viewer.require(Scope.READ)
    return OwnWallet(viewer, context)


def logins(viewer: Viewer, context: Context) -> list[Login]:
    """Where the viewer is signed in. Raises: ForbiddenError without the scope READ."""
    viewer.require(Scope.READ)
    return identity.list_logins(context.session, viewer, context.settings)


def is_current(login: Login, context: Context) -> bool:
    """Whether this request came by it."""
    return login.id == context.signed_in().login_id


def api_tokens(viewer: Viewer, context: Context) -> list[ApiToken]:
    """The viewer's tokens, without their secrets, which nobody has. Raises: ForbiddenError without the scope READ."""
    viewer.require(Scope.READ)
    return identity.list_api_tokens(context.session, viewer)


def balance_history(_: OwnWallet, context: Context, *, days: int | None = None) -> list[BalancePoint]:
    """Raises: InvalidInputError (days)."""
    wanted = DEFAULT_BALANCE_DAYS if days is None else days
    return payments.balance_history(context.session, context.signed_in(), days=wanted, currency=context.currency)


def payments_of_wallet(
    wallet: OwnWallet, context: Context, *, filter_: Mapping[str, Any] | None = None, first: int | None = None, after: str | None = None
) -> Connection[Payment]:
    """A page of the viewer's payments, newest first. Page 1 and page 50,000 cost the same.

    Raises: InvalidInputError (first, after, from, to, text), InvalidAmountError, InvalidUsernameError.
    """
    wanted = _read_filter(GivenFilter(**filter_), context) if filter_ else HistoryFilter()
    count = DEFAULT_PAGE_SIZE if first is None else first
    before = None if after is None else read_number_cursor(after)
    page = context.read_page(first=count, before_number=before) if not wanted.restricts else payments.history(
        context.session, context.signed_in(), wanted, currency=context.currency, first=count, before_number=before)
    wallet.found = wallet.found or page.wallet
    context.pages.append(page.payments)
    return Connection(
        nodes=page.payments,
        cursor=lambda payment: cursor_of(str(payment.number)),
        has_next_page=page.more_follow,
        has_previous_page=after is not None,
        count=lambda: payments.count_history(context.session, context.signed_in(), wanted),
    )


def payer(payment: Payment, context: Context) -> Counterparty | Viewer | None:
    """Whom the money came from; None for the operator."""
    return context.signed_in() if payment.direction is Direction.SENT else payment.counterparty


def payee(payment: Payment, context: Context) -> Counterparty | Viewer | None:
    """Whom the money went to; None for the operator."""
    return context.signed_in() if payment.direction is Direction.RECEIVED else payment.counterparty


def refund_of(payment: Payment, context: Context) -> Payment | None:
    """The payment that this one gives back. Raises: InvalidInputError when there are too many in the answer."""
    if payment.refund_of_text is None:
        return None
    context.relate("refundOf", 1)
    if payment.id_text not in context.given_back:
        page = {each.id_text: each.refund_of for each in context.page_of(payment) if each.refund_of}
        found = payments.find_payments(context.session, context.signed_in(), set(page.values()), currency=context.currency)
        context.given_back.update({refund: found.get(given_back) for refund, given_back in page.items()})
        context.pages.append([*found.values()])
    return context.given_back[payment.id_text]


def refunds(payment: Payment, context: Context) -> Sequence[Payment]:
    """What was given back of this payment, oldest first. Raises: InvalidInputError when there are too many in the answer."""
    if payment.refunded_minor_units == 0:
        return ()
    if payment.id_text not in context.refunds:
        context.relate("refunds", 0)  # who is beyond the limit already asks the database nothing more
        page = {each.id_text: each.id for each in context.page_of(payment) if each.refunded_minor_units}
        # In its list it may stand as it was before its first refund.
        page[payment.id_text] = payment.id
        found = payments.list_refunds(
            context.session, context.signed_in(), page.values(), currency=context.currency, most=MAXIMUM_RELATED + 1,
        )
        if len(found) > MAXIMUM_RELATED:
            context.relate("refunds", len(found))
        context.refunds.update({each: [] for each in page})
        for each in found:
            context.refunds[str(each.refund_of_text)].append(each)
        context.pages.append(found)
    context.relate("refunds", len(context.refunds[payment.id_text]))
    return context.refunds[payment.id_text]


def paid(payload: PaymentPayload, context: Context) -> Payment | None:
    """The payment that was just made. Whoever may pay sees it, without the scope READ, too; then its balance is null."""
    if payload.payment is not None:
        return payload.payment
    if payload.payment_id is None:
        return None
    if payload.find is not None:
        return payload.find(payload.payment_id)
    found = payments.find_payments(context.session, context.signed_in(), [payload.payment_id], currency=context.currency)
    return found[payload.payment_id]


def _read_filter(given: GivenFilter, context: Context) -> HistoryFilter:
    return HistoryFilter(
        direction=given.direction,
        counterparty=_read("counterparty", identity.parse_username, given.counterparty),
        kind=given.kind,
        since=_read("from", parse_timestamp, given.from_),
        before=_read("to", parse_timestamp, given.to),
        minimum=_read("minAmount", partial(parse_amount_or_zero, currency=context.currency), given.min_amount),
        maximum=_read("maxAmount", partial(parse_amount_or_zero, currency=context.currency), given.max_amount),
        text=_read("text", parse_search, given.text),
    )


def _read(field: str, parse: Callable[[Any], Value], value: object) -> Value | None:
    with error_field(field):
        return unless_blank(parse, value)
