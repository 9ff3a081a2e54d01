"""Owns the mutations that move money. The payer is whoever is signed in, never an argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app import payments
from app.amounts import parse_amount
from app.api.errors import Problems
from app.api.payloads import PaymentPayload
from app.ids import parse_id

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
    key = problems.read("idempotencyKey", payments.parse_key, given.idempotency_key)
    amount = problems.read("amount", parse_amount, given.amount, context.currency)
    memo = problems.read("memo", payments.parse_memo, given.memo)
    to = problems.read("to", payments.parse_payee, given.to)
    if problems.errors and to is not None:
        # Only to tell all that is wrong; `pay` looks the payee up itself.
        problems.read("to", payments.find_payee, context.session, viewer, to)
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
    key = problems.read("idempotencyKey", payments.parse_key, given.idempotency_key)
    payment_id = problems.read("paymentId", parse_id, given.payment_id)
    amount = None if given.amount is None else problems.read("amount", parse_amount, given.amount, context.currency)
    memo = problems.read("memo", payments.parse_memo, given.memo)
    problems.stop()
    context.pace.admit(viewer.user_id)
    receipt = payments.refund(
        context.session, viewer, idempotency_key=key, payment_id=payment_id, amount=amount, currency=context.currency, memo=memo,
    )
    return PaymentPayload(payment_id=receipt.payment_id, replayed=receipt.replayed)
