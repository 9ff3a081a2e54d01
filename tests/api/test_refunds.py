"""What is asked of refunds, and of what they give back: for a page at once, and only so often in one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.conftest import REFUND
from tests.api.test_queries import PAYMENT, error_of, pay
from tests.statements import statements_sent

if TYPE_CHECKING:
    from tests.api.conftest import Ask
    from tests.conftest import Browsers


def test_refunds_are_seen_from_their_payment_and_back(browser: Browsers, ask: Ask) -> None:
    alice, bob = browser("alice"), browser("bob")
    key = pay(ask, alice, 1, "10.00")
    back = "5d3c9a71-e84b-4f26-9b0d-00000000000a"
    ask(bob, REFUND, input={"idempotencyKey": back, "paymentId": key, "amount": "4.00", "memo": "broken"})
    seen = ask(alice, PAYMENT, id=key)["data"]["payment"]
    assert seen["refunded"] == {"amount": "4.00"}
    assert seen["refunds"] == [{"id": back, "amount": {"amount": "4.00"}, "memo": "broken", "refundOf": {"id": key}}]
    assert ask(alice, PAYMENT, id=back)["data"]["payment"]["refundOf"] == {"id": key}


def test_refunds_of_a_whole_page_are_looked_up_at_once(browser: Browsers, ask: Ask) -> None:
    alice, bob = browser("alice"), browser("bob")
    keys = [pay(ask, alice, number, "10.00") for number in range(1, 5)]
    backs = {key: [f"5d3c9a71-e84b-4f26-9b0d-{place}0000000000{part}" for part in range(place)] for place, key in enumerate(keys)}
    for key, ids in backs.items():
        for back in ids:
            ask(bob, REFUND, input={"idempotencyKey": back, "paymentId": key, "amount": "1.00"})
    nothing, page = "{ id }", "{ id refunds { id refundOf { id } } refundOf { id refunds { id } } }"
    query = "{ viewer { wallet { payments(first: 10) { nodes %s } } } }"
    with statements_sent() as without:
        ask(alice, query % nothing)
    with statements_sent() as sent:
        nodes = ask(alice, query % page)["data"]["viewer"]["wallet"]["payments"]["nodes"]
    assert len(sent) - len(without) <= 4  # the refunds and the payments given back, of the page and of what was found
    found = {each["id"]: each for each in nodes}
    for key, ids in backs.items():
        assert found[key] == {"id": key, "refundOf": None, "refunds": [{"id": back, "refundOf": {"id": key}} for back in ids]}
        for back in ids:
            assert found[back]["refundOf"] == {"id": key, "refunds": [{"id": each} for each in ids]}


@pytest.mark.parametrize("directive", ["", "@include(if: true)"])
def test_what_is_asked_of_refunds_over_and_over_counts_each_time(browser: Browsers, ask: Ask, directive: str) -> None:
    alice, bob = browser("alice"), browser("bob")
    key = pay(ask, alice, 1, "10.00")
    for number in range(10, 17):
        ask(bob, REFUND, input={"idempotencyKey": f"5d3c9a71-e84b-4f26-9b0d-0000000000{number}", "paymentId": key, "amount": "1.00"})
    query = "query ($id: UUID!) { payment(id: $id) { refunds { refundOf { refunds { %s } } } } }"
    assert len(ask(alice, query % f"id {directive}", id=key)["data"]["payment"]["refunds"]) == 7
    # 7 refunds, their payment for each, and its 7 refunds again each time: beyond a hundred already there
    assert error_of(ask(alice, query % f"refundOf {directive} {{ id }}", id=key)) == ("INVALID_INPUT", ["refunds"])
