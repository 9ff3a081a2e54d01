"""Owns the mutation that pays many people at once: reads its items, and tells of each what became of it."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from app import payments
from app.amounts import parse_amount
from app.api.errors import InputErrors
from app.api.inputs import PaymentOrder
from app.api.limits import MAXIMUM_ERRORS_SHOWN
from app.api.payloads import PaymentPayload, PaymentsPayload
from app.api.refusals import refusal_of
from app.errors import InsufficientFundsError, NotAttemptedError, WalletError
from app.http import log_failure
from app.payments import Order, Payer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from app.api.context import Context
    from app.api.inputs import PayoutOrder
    from app.api.refusals import Refusal
    from app.identity import Viewer
    from app.money import Currency
    from app.payments import Payment, Payout


def send_payments(context: Context, *, given: PayoutOrder) -> PaymentsPayload:
    """Pay many, each once for each idempotency key: all or none, or each on its own. What is refused is told at its place.

    Raises: UnauthenticatedError, ForbiddenError, RateLimitedError, InvalidInputError for no items or too many.
    """
    viewer = context.signed_in()
    context.admit_payments(len(given.items), at_once=True)
    read = [_read(item, context.currency) for item in given.items]
    items = [each if isinstance(each, Order) else each[0] for each in read]
    payout = payments.pay_many(context.session, Payer.of(viewer), items, atomic=given.atomic is not False, currency=context.currency)
    # What each was refused for; of an item that could not be read, all that is wrong with it.
    refused: dict[int, Sequence[WalletError]] = {
        place: (outcome,) if isinstance(given_item, Order) else given_item
        for place, (given_item, outcome) in enumerate(zip(read, payout.outcomes, strict=True)) if isinstance(outcome, WalletError)
    }
    _log(context, refused)
    found = _Found(context, payout)
    return PaymentsPayload(
        results=tuple(
            PaymentPayload(errors=tuple(refusal_of(error, viewer) for error in refused[place])) if isinstance(outcome, WalletError)
            else PaymentPayload(payment_id=outcome.transfer_id, replayed=outcome.replayed, find=found.one)
            for place, outcome in enumerate(payout.outcomes)
        ),
        total=None if payout.refused_whole else payout.total,
        errors=tuple(_errors(refused, payout.shortfall, viewer)),
    )


class _Found:
    """The payments as the payer sees them: looked up at once for all of them, and only if one is asked for."""

    def __init__(self, context: Context, payout: Payout) -> None:
        self._context, self._payout = context, payout

    def one(self, payment_id: UUID) -> Payment:
        return self._all[payment_id]

    @cached_property
    def _all(self) -> dict[UUID, Payment]:
        ids = [each.transfer_id for each in self._payout.outcomes if not isinstance(each, WalletError)]
        found = payments.find_payments(self._context.session, self._context.signed_in(), ids, currency=self._context.currency)
        self._context.pages.append([*found.values()])
        return found


def _read(item: Mapping[str, Any], currency: Currency) -> Order | tuple[WalletError, ...]:
    given, problems = PaymentOrder(**item), InputErrors()
    key = problems.read("idempotencyKey", payments.parse_key, given.idempotency_key)
    amount = problems.read("amount", parse_amount, given.amount, currency)
    memo = problems.read("memo", payments.parse_memo, given.memo)
    to = problems.read("to", payments.parse_payee, given.to)
    if problems.errors:
        return tuple(problems.errors)
    return Order(idempotency_key=key, to=to, amount=amount, memo=memo)


def _errors(
    refused: Mapping[int, Sequence[WalletError]], shortfall: InsufficientFundsError | None, viewer: Viewer
) -> list[Refusal]:
    """What the whole says is wrong, each with its item's place, counted from 0; what all of them lack is one error for all."""
    found = [] if shortfall is None else [replace(refusal_of(shortfall, viewer), field=("items",))]
    for place, errors in refused.items():
        found.extend(
            _placed(refusal_of(error, viewer), place) for error in errors
            if not isinstance(error, NotAttemptedError) and not (shortfall and isinstance(error, InsufficientFundsError))
        )
    return found


def _placed(refusal: Refusal, place: int) -> Refusal:
    return replace(refusal, field=("items", str(place), *(refusal.field or ())))


def _log(context: Context, refused: Mapping[int, Sequence[WalletError]]) -> None:
    told = [each for errors in refused.values() for each in errors if not isinstance(each, NotAttemptedError)]
    for each in told[:MAXIMUM_ERRORS_SHOWN]:
        log_failure(each, context.request_context)
