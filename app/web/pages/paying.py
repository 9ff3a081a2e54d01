"""Owns paying: the form, the confirmation, and the payment itself, which is made once however often the form is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from flask import g

from app import payments
from app.amounts import parse_amount
from app.errors import NotFoundError
from app.http import runtime
from app.identity import Person, list_people
from app.payments import Direction, Payment, PaymentKind
from app.web.answers import Answer, Page, see
from app.web.forms import FormErrors, idempotency_key, key_for_form, text_of
from app.web.routes import private_page

if TYPE_CHECKING:
    from flask import Response
    from sqlalchemy.orm import Session

    from app.identity import Viewer
    from app.money import Money

# The browser suggests usernames from this list. With scripts, app/web/static/js/pay.js asks for matching ones instead.
LISTED_PEOPLE: Final = 100


@private_page("/pay")
def pay_form(session: Session, viewer: Viewer) -> Page:
    """The form to pay somebody. `?to=` fills in the username."""
    currency = runtime().settings.currency
    return Page("pay.html", {
        "wallet": payments.wallet(session, viewer, currency=currency),
        "recent": payments.recent_counterparties(session, viewer),
        "people": [each for each in list_people(session, first=LISTED_PEOPLE).people if each.username != viewer.username],
        "key": key_for_form(),
    })


@private_page("/pay", method="POST", again=pay_form)
def pay_check(session: Session, viewer: Viewer) -> Answer:
    """Show what would be paid to whom, for the person to confirm. No money moves."""
    key = idempotency_key()
    payee, amount, memo = _entered(session, viewer)
    made = _made_already(session, viewer, key)
    if made is not None and _is_same(made, payee, amount, memo):
        return see("receipt", payment_id=key, replayed=1)
    _payee, balance_after = payments.check_payment(session, viewer, to=payee.username, amount=amount, memo=memo)
    # The key belongs to another payment: the person went back and changed the form, so this is a new payment.
    unused_key = key if made is None else uuid4()
    return Page("pay_confirm.html", {
        "payee": payee, "amount": amount, "memo": memo, "balance_after": balance_after, "key": unused_key,
    })


@private_page("/pay/confirm", method="POST", does="send_payment", again=pay_form)
def pay(session: Session, viewer: Viewer) -> Response:
    """Pay, and show the receipt. The same form sent again shows the same receipt."""
    key = idempotency_key()
    payee, amount, memo = _entered(session, viewer)
    runtime().payment_rate_limit.admit(viewer.user_id)
    receipt = payments.pay(session, viewer, idempotency_key=key, to=payee.username, amount=amount, memo=memo)
    g.object_id = receipt.payment_id
    return see("receipt", payment_id=receipt.payment_id, replayed=1 if receipt.replayed else None)


def _entered(session: Session, viewer: Viewer) -> tuple[Person, Money, str | None]:
    """What was entered. Raises: FormRefusedError with all problems."""
    problems = FormErrors()
    payee, amount, memo = None, None, None
    with problems:
        payee = payments.find_payee(session, viewer, text_of("to"))
    with problems:
        amount = parse_amount(text_of("amount"), runtime().settings.currency)
    with problems:
        memo = payments.parse_memo(text_of("memo"))
    problems.refuse_if_any()
    if payee is None or amount is None:
        raise RuntimeError("a check ended without a value and without a problem")
    return payee, amount, memo


def _made_already(session: Session, viewer: Viewer, key: UUID) -> Payment | None:
    try:
        return payments.find_payment(session, viewer, key, currency=runtime().settings.currency)
    except NotFoundError:
        return None


def _is_same(made: Payment, payee: Person, amount: Money, memo: str | None) -> bool:
    as_entered = (Direction.SENT, PaymentKind.PAYMENT, payee.username, amount, memo)
    return (made.direction, made.kind, made.counterparty_username, made.amount, made.memo) == as_entered
