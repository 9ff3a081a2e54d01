"""The rate of payments of one person is limited; other people do not wait for them."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy.orm import sessionmaker

from app.api import DirectCalls, answer_async
from app.api.answer import answer
from app.async_wait import run_on_loop
from app.errors import RateLimitedError
from app.http import PaymentRateLimit, RequestContext
from app.http.payment_rate_limit import MAXIMUM_PAYERS, PAYMENTS_AT_ONCE, SECONDS_A_PAYMENT
from app.identity import token_digest
from app.models import User
from tests.web.documents import page

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient

    from app.api import ApiResponse, Calls
    from app.http import Runtime
    from tests.conftest import Browsers

PAY = """mutation ($input: SendPaymentInput!) { sendPayment(input: $input) { payment { id }
  errors { code ... on RateLimitedError { retryAfterSeconds } } } }"""
KEY = "5d3c9a71-e84b-4f26-9b0d-000000000001"
ORDER = f'{{idempotencyKey: "{KEY}", to: "bob", amount: "1.00"}}'


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def admitted(payment_rate_limit: PaymentRateLimit, payer: object, count: int) -> int:
    for number in range(count):
        try:
            payment_rate_limit.admit(payer)
        except RateLimitedError:
            return number
    return count


def test_a_payer_has_a_burst_of_payments_and_then_one_for_each_interval() -> None:
    clock = Clock()
    payment_rate_limit = PaymentRateLimit(clock=clock)
    assert admitted(payment_rate_limit, 1, PAYMENTS_AT_ONCE + 1) == PAYMENTS_AT_ONCE
    assert admitted(payment_rate_limit, 2, 1) == 1
    clock.now += 10 * SECONDS_A_PAYMENT
    assert admitted(payment_rate_limit, 1, 11) == 10
    with pytest.raises(RateLimitedError) as refused:
        payment_rate_limit.admit(1, 300)
    assert refused.value.retry_after_seconds == 2


def test_a_payment_of_a_payout_counts_a_tenth() -> None:
    payment_rate_limit = PaymentRateLimit(clock=Clock())
    payment_rate_limit.admit_payout(1, 10_000)
    payment_rate_limit.admit_payout(1, 9_991)
    with pytest.raises(RateLimitedError):
        payment_rate_limit.admit_payout(1, 1)


def test_the_scale_multiplies_the_allowed_payments() -> None:
    assert admitted(PaymentRateLimit(scale=3, clock=Clock()), 1, 10_000) == 3 * PAYMENTS_AT_ONCE


def test_the_least_recent_payer_is_forgotten_first() -> None:
    payment_rate_limit = PaymentRateLimit(clock=Clock())
    for payer in range(MAXIMUM_PAYERS):
        payment_rate_limit.admit(payer, PAYMENTS_AT_ONCE)
    payment_rate_limit.admit("another")
    assert admitted(payment_rate_limit, 1, 1) == 0
    assert admitted(payment_rate_limit, 0, 1) == 1


@pytest.fixture
def spent(app: Flask, browser: Browsers) -> FlaskClient:
    """Alice's browser. She has reached her payment limit, and the clock stands still."""
    alice, payment_rate_limit = browser("alice"), app.extensions["wave"].payment_rate_limit
    payment_rate_limit._clock = lambda: 1000.0
    with app.extensions["wave"].sessions() as session:
        payment_rate_limit.admit(session.scalar(select(User.id)), PAYMENTS_AT_ONCE)
    return alice


@pytest.mark.parametrize("call", [
    f"sendPayment(input: {ORDER})", f"sendPayments(input: {{items: [{ORDER}]}})",
    f'refundPayment(input: {{idempotencyKey: "{KEY}", paymentId: "{KEY}"}})',
])
def test_the_api_refuses_a_payment_above_the_limit(spent: FlaskClient, call: str) -> None:
    answer = spent.post("/graphql", json={"query": f"mutation {{ made: {call} {{ errors {{ code }} }} }}"})
    assert answer.json
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert answer.json["data"]["made"]["errors"] == [{"code": "RATE_LIMITED"}]


@pytest.mark.parametrize(("path", "sent"), [
    ("/pay/confirm", {"to": "bob", "amount": "1.00", "memo": ""}), (f"/payments/{KEY}/refund/confirm", {"amount": "1.00"}),
    ("/payout", {"lines": "1,1,bob,1.00,", "mode": "each", "content_key": KEY}),
])
def test_the_pages_refuse_a_payment_above_the_limit_and_offer_to_send_it_again(
    spent: FlaskClient, browser: Browsers, path: str, sent: dict[str, str]
) -> None:
    browser("bob")
    refused = spent.post(path, data={**sent, "idempotency_key": KEY})
    assert refused.headers["Retry-After"] == "1"
    assert page(refused, 429).hidden("idempotency_key") == KEY


class LoopWithoutDatabase:
    """An event loop on which nothing reaches PostgreSQL."""

    def __init__(self, runtime: Runtime) -> None:
        self._running = replace(runtime, sessions=sessionmaker())

    async def run(self, work: Callable[[Runtime, Calls], ApiResponse]) -> ApiResponse:
        return await run_on_loop(work, self._running, DirectCalls())

    async def in_thread(self, _work: object) -> ApiResponse:
        raise AssertionError


def test_a_payment_by_token_above_the_limit_does_not_reach_the_database(app: Flask) -> None:
    runtime, token = app.extensions["wave"], "wave_token"
    runtime.payment_rate_limit._clock = lambda: 1000.0
    runtime.payment_rate_limit.admit(token_digest(token), PAYMENTS_AT_ONCE)
    body = json.dumps({"query": PAY, "variables": {"input": {"idempotencyKey": KEY, "to": "bob", "amount": "1.00"}}}).encode()
    asked = RequestContext(method="POST", path="/graphql", host="wallet.example", scheme="https", origin=None, sec_fetch_site=None,
                  authorization=f"Bearer {token}", login_token=None, user_agent=None, remote_address=None)
    # The first request runs the whole query; then the document is cached.
    assert answer(asked, content_type="application/json", body=body, runtime=runtime).status == 401
    with ThreadPoolExecutor(1) as pool:  # Playwright's loop may run in this thread
        made = pool.submit(asyncio.run, answer_async(
            asked, content_type="application/json", body=body, runtime=runtime, loop=LoopWithoutDatabase(runtime))).result()
    assert (made.status, made.headers) == (429, {"Retry-After": "1"})
    assert json.loads(made.body) == {"data": {"sendPayment": {
        "payment": None, "errors": [{"code": "RATE_LIMITED", "retryAfterSeconds": 1}]}}}
