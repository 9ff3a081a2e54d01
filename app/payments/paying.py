"""Owns paying and refunding: from a handle and an amount as a person wrote them to a transfer in the books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app import ledger
from app.errors import NotFoundError, NotRefundableError, SelfPaymentError, error_field
from app.identity import Person, Scope, find_person
from app.models import Transfer, User
from app.payments.payment import find_refundable
from app.payments.sending import Order, Payer, send_payments
from app.single_line import parse_single_line, trimmed

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from app.identity import Viewer
    from app.money import Currency, Money

MAXIMUM_MEMO_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the payer is told at once: it is in the books, and `replayed` when an earlier call with this id had put it there."""

    payment_id: UUID
    balance_after: Money
    created_at: datetime
    replayed: bool


def pay(session: Session, viewer: Viewer, *, idempotency_key: UUID, to: str, amount: Money, memo: str | None) -> Receipt:
    """Pay somebody from the viewer's wallet, once, however often it is called with this key.

    Args:
        idempotency_key: made once for each payment that is meant; it becomes the payment's id.
        to: the payee's handle.

    Raises: ForbiddenError (scope PAY), NotFoundError (payee), SelfPaymentError, InvalidInputError (memo), and as `ledger.post`.
    """
    order = Order(idempotency_key=idempotency_key, to=to, amount=amount, memo=parse_memo(memo))
    (sent,) = send_payments(session.connection(), [(Payer.of(viewer), order)])
    return _receipt(sent.made())


def refund(
    session: Session, viewer: Viewer, *, idempotency_key: UUID, payment_id: UUID, amount: Money | None, currency: Currency,
    memo: str | None,
) -> Receipt:
    """Give back part or all of a payment that the viewer received.

    Args:
        amount: None for all that is left. The key stands for it as it was given: a number, even the same, is another refund.

    Raises: ForbiddenError (scope PAY), NotFoundError, NotRefundableError, InvalidInputError (memo), RefundTooLargeError, and as
        `ledger.post`.
    """
    viewer.require(Scope.PAY)
    memo = parse_memo(memo)
    try:
        posting = ledger.refund(
            session, refund_id=idempotency_key, payment_id=payment_id, refunder=viewer.account_id, amount=amount, currency=currency,
            memo=memo,
        )
    except NotFoundError:
        find_refundable(session, viewer, payment_id, currency=currency)  # says why it is none
        raise
    return _receipt(posting)


def refund_by_operator(
    session: Session, *, refund_id: UUID, payment_id: UUID, amount: Money | None, currency: Currency, memo: str | None
) -> tuple[str, str, ledger.Posting]:
    """Give back part or all of a payment by the operator's hand, from a frozen wallet, too.

    Args:
        amount: None for all that is left.

    Returns: the username of whoever was paid, of whoever gets it back, and what is in the books.

    Raises: NotFoundError, NotRefundableError, RefundTooLargeError, InsufficientFundsError, WalletClosedError, IdempotencyKeyReusedError.
    """
    payment = session.get(Transfer, payment_id)
    if payment is None:
        raise NotFoundError(f"no payment {payment_id}", user_message="There is no payment by that id. Check it.", field="paymentId")
    if payment.kind != "payment":
        raise NotRefundableError(f"{payment_id} is of kind {payment.kind}")
    posting = ledger.refund(
        session, refund_id=refund_id, payment_id=payment_id, refunder=payment.destination, amount=amount, currency=currency,
        memo=parse_memo(memo), despite_freeze=True,
    )
    of_both = select(User.account_id, User.username).where(User.account_id.in_((payment.source, payment.destination)))
    usernames = {row.account_id: row.username for row in session.execute(of_both)}
    return usernames[payment.destination], usernames[payment.source], posting


def parse_memo(memo: str | None) -> str | None:
    """The memo that `memo` means: the line of `parse_single_line`; None when nothing is left.

    Raises: InvalidInputError when it is too long, or holds a character that does not show.
    """
    if not memo:
        return None
    with error_field("memo"):
        return parse_single_line(memo, "memo", maximum_characters=MAXIMUM_MEMO_CHARACTERS) or None


def parse_payee(to: object) -> str:
    """The text of a payee, of whom `find_payee` tells who it is. Raises: NotFoundError for what is no text, or blank."""
    if not isinstance(to, str):
        raise NotFoundError(f"{type(to).__name__} instead of text", field="to")
    if not trimmed(to):
        raise NotFoundError("no payee", user_message="Choose who is to be paid.", field="to")
    return to


def find_payee(session: Session, viewer: Viewer, to: str) -> Person:
    """The person that `to` means. Raises: NotFoundError, SelfPaymentError."""
    with error_field("to"):
        payee = find_person(session, parse_payee(to))
    if payee.account_id == viewer.account_id:
        raise SelfPaymentError(viewer.username)
    return payee


def _receipt(posting: ledger.Posting) -> Receipt:
    return Receipt(
        payment_id=posting.transfer_id, balance_after=posting.source_balance, created_at=posting.created_at, replayed=posting.replayed,
    )
