"""Owns the mutations that move money. The payer is whoever is signed in, never an argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app import payments
from app.amounts import parse_amount
from app.api.errors import InputErrors
from app.api.payloads import PaymentPayload
from app.ids import parse_id
from app.payments import Order

if TYPE_CHECKING:
    from app.api.context import Context
    from app.api.inputs import PaymentOrder, RefundOrder


def send_payment(context: Context, *, given: PaymentOrder) -> PaymentPayload:
    """Pay somebody, once for each idempotency key. Raises: as `payments.pay`, RequestFailedError, RateLimitedError, InvalidInputsError."""
    context.require_sign_in()
    problems = InputErrors()
    key = problems.read("idempotencyKey", payments.parse_key, given.idempotency_key)
    amount = problems.read("amount", parse_amount, given.amount, context.currency)
    memo = problems.read("memo", payments.parse_memo, given.memo)
    to = problems.read("to", payments.parse_payee, given.to)
    if problems.errors and to is not None:
        # Only to tell all that is wrong at once: else the payment's own statement finds the payee.
        problems.read("to", payments.find_payee, context.session, context.signed_in(), to)
    problems.stop()
    context.admit_payments()
    sent = context.send_payment(Order(idempotency_key=key, to=to, amount=amount, memo=memo))
    posting = sent.made()
    return PaymentPayload(payment_id=posting.transfer_id, payment=sent.payment_of(context.signed_in()), replayed=posting.replayed)


def refund_payment(context: Context, *, given: RefundOrder) -> PaymentPayload:
    """Give back part or all of a payment. Raises: as `payments.refund`, RateLimitedError, InvalidInputsError."""
    viewer = context.signed_in()
    problems = InputErrors()
    key = problems.read("idempotencyKey", payments.parse_key, given.idempotency_key)
    payment_id = problems.read("paymentId", parse_id, given.payment_id)
    amount = None if given.amount is None else problems.read("amount", parse_amount, given.amount, context.currency)
    memo = problems.read("memo", payments.parse_memo, given.memo)
    problems.stop()
    context.admit_payments()
    receipt = payments.refund(
        context.session, viewer, idempotency_key=key, payment_id=payment_id, amount=amount, currency=context.currency, memo=memo,
    )
    return PaymentPayload(payment_id=receipt.payment_id, replayed=receipt.replayed)
