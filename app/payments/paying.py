"""Owns paying and refunding: from a handle and an amount as a person wrote them to a transfer in the books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app import ledger
from app.errors import InvalidInputError, NotFoundError, SelfPaymentError
from app.identity import Person, Scope, find_person
from app.lines import is_plain, one_line
from app.payments.payment import find_refundable

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
    viewer.require(Scope.PAY)
    memo = parse_memo(memo)
    payee = find_payee(session, viewer, to)
    posting = ledger.post(
        session, transfer_id=idempotency_key, kind="payment", source=viewer.account_id, destination=payee.account_id,
        amount=amount, memo=memo,
    )
    return _receipt(posting)


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


def parse_memo(memo: str | None) -> str | None:
    """The memo with its ends trimmed and line breaks made spaces; None when nothing is left.

    Raises: InvalidInputError when it is too long, or holds characters that control the page instead of standing on it.
    """
    text = one_line(memo or "")
    if len(text) > MAXIMUM_MEMO_CHARACTERS:
        raise InvalidInputError(user_message=f"A memo has at most {MAXIMUM_MEMO_CHARACTERS} characters. Shorten it.", field="memo")
    if text and not is_plain(text):
        raise InvalidInputError(user_message="The memo holds a character that cannot be shown. Type it again.", field="memo")
    return text or None


def find_payee(session: Session, viewer: Viewer, to: str) -> Person:
    """The person that `to` means. Raises: NotFoundError, SelfPaymentError."""
    if to.lower() == viewer.username:
        raise SelfPaymentError(viewer.username)
    try:
        return find_person(session, to)
    except NotFoundError as error:
        error.field = "to"
        raise


def _receipt(posting: ledger.Posting) -> Receipt:
    return Receipt(
        payment_id=posting.transfer_id, balance_after=posting.source_balance, created_at=posting.created_at, replayed=posting.replayed,
    )
