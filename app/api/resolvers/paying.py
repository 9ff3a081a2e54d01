"""Owns the mutations that move money. The payer is whoever is signed in, never an argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app import payments
from app.api.errors import Problems
from app.api.inputs import read_amount, read_key, read_uuid
from app.api.payloads import PaymentPayload
from app.errors import NotFoundError

if TYPE_CHECKING:
    from app.api.context import Context
    from app.api.inputs import PaymentOrder, RefundOrder
    from app.payments import Settled


def send_payment(context: Context, *, given: PaymentOrder) -> PaymentPayload:
    """Pay somebody, once for each idempotency key. Raises: as `payments.pay`, RateLimitedError, InvalidInputsError."""
    if context.settled is not None:
        return payload_of(context.settled)
    viewer = context.signed_in()
    problems = Problems()
    key = problems.read(read_key, given.idempotency_key, "idempotencyKey")
    amount = problems.read(read_amount, given.amount, context.currency, "amount")
    memo = problems.read(payments.parse_memo, given.memo)
    to = problems.read(read_payee, given.to)
    if problems.errors and to is not None:
        # Only to tell all that is wrong; `pay` looks the payee up itself.
        problems.read(payments.find_payee, context.session, viewer, to)
    problems.stop()
    context.pace.admit(viewer.user_id)
    receipt = payments.pay(context.session, viewer, idempotency_key=key, to=to, amount=amount, memo=memo)
    return PaymentPayload(payment_id=receipt.payment_id, replayed=receipt.replayed)


def payload_of(settled: Settled) -> PaymentPayload:
    """What `sendPayment` answers for a payment that is settled. Raises: why it was refused."""
    if settled.failure:
        raise settled.failure
    return PaymentPayload(payment_id=settled.payment_id, payment=settled.payment, replayed=settled.replayed)


def refund_payment(context: Context, *, given: RefundOrder) -> PaymentPayload:
    """Give back part or all of a payment. Raises: as `payments.refund`, RateLimitedError, InvalidInputsError."""
    viewer = context.signed_in()
    problems = Problems()
    key = problems.read(read_key, given.idempotency_key, "idempotencyKey")
    payment_id = problems.read(read_uuid, given.payment_id, "paymentId")
    amount = None if given.amount is None else problems.read(read_amount, given.amount, context.currency, "amount")
    memo = problems.read(payments.parse_memo, given.memo)
    problems.stop()
    context.pace.admit(viewer.user_id)
    receipt = payments.refund(
        context.session, viewer, idempotency_key=key, payment_id=payment_id, amount=amount, currency=context.currency, memo=memo,
    )
    return PaymentPayload(payment_id=receipt.payment_id, replayed=receipt.replayed)


def read_payee(value: object) -> str:
    """The text of a payee. Raises: NotFoundError for what is no text."""
    # A text that could be nobody's handle is nobody's, and is told so by the lookup; anything else is no text at all.
    if isinstance(value, str):
        return value
    raise NotFoundError(f"{type(value).__name__} instead of text", field="to")
