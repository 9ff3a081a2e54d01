"""Owns the receipt of a payment, and its refund."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID  # noqa: TC003 - a rule of the lint for annotations only; the URL's converter makes these

from flask import g

from app import payments
from app.amounts import parse_amount
from app.http import runtime
from app.web.answers import Answer, Page, see
from app.web.forms import FormErrors, idempotency_key, key_for_form, text_of
from app.web.routes import private_page

if TYPE_CHECKING:
    from flask import Response
    from sqlalchemy.orm import Session

    from app.identity import Viewer
    from app.money import Money


@private_page("/payments/<uuid:payment_id>")
def receipt(session: Session, viewer: Viewer, payment_id: UUID) -> Page:
    """The receipt of a payment, only for its payer and its payee."""
    currency = runtime().settings.currency
    return Page("receipt.html", {
        "payment": payments.find_payment(session, viewer, payment_id, currency=currency),
        "refunds": payments.list_refunds(session, viewer, [payment_id], currency=currency),
        "wallet": payments.wallet(session, viewer, currency=currency),
        "was_replayed": bool(text_of("replayed")),
        "key": key_for_form(),
    })


@private_page("/payments/<uuid:payment_id>/refund", method="POST", again=receipt)
def refund_check(session: Session, viewer: Viewer, payment_id: UUID) -> Answer:
    """Show what would be refunded, for the person to confirm. No money moves."""
    currency = runtime().settings.currency
    key = idempotency_key()
    amount, memo = _entered()
    if key in {each.id for each in payments.list_refunds(session, viewer, [payment_id], currency=currency)}:
        return see("receipt", payment_id=key, replayed=1)
    payment, balance_after = payments.check_refund(session, viewer, payment_id=payment_id, amount=amount, memo=memo)
    return Page("refund_confirm.html", {
        "payment": payment, "amount": amount, "memo": memo, "balance_after": balance_after, "key": key,
    })


@private_page("/payments/<uuid:payment_id>/refund/confirm", method="POST", does="refund_payment", again=receipt)
def refund(session: Session, viewer: Viewer, payment_id: UUID) -> Response:
    """Refund, and show the refund's own receipt. The same form sent again shows the same receipt."""
    key = idempotency_key()
    amount, memo = _entered()
    runtime().payment_rate_limit.admit(viewer.user_id)
    made = payments.refund(
        session, viewer, idempotency_key=key, payment_id=payment_id, amount=amount, currency=runtime().settings.currency, memo=memo,
    )
    g.object_id = made.payment_id
    return see("receipt", payment_id=made.payment_id, replayed=1 if made.replayed else None)


def _entered() -> tuple[Money, str | None]:
    """What was entered. Raises: FormRefusedError with all problems."""
    problems = FormErrors()
    amount, memo = None, None
    with problems:
        amount = parse_amount(text_of("amount"), runtime().settings.currency)
    with problems:
        memo = payments.parse_memo(text_of("memo"))
    problems.refuse_if_any()
    if amount is None:
        raise RuntimeError("a check ended without a value and without a problem")
    return amount, memo
