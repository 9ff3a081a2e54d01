"""All edges refuse the same: which ids may be keys, and what may be refunded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from app.errors import NotFoundError, NotRefundableError
from tests.api.conftest import REFUND, SEND
from tests.web.documents import balance, get, page, pay

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from tests.conftest import Browsers

MADE = "7b0c8e0e-5a5c-4a4e-9a53-0d2a8b0f4d11"
PLACEHOLDERS = [
    "00000000-0000-0000-0000-000000000000", "11111111-1111-1111-1111-111111111111", "00000000-0000-4000-8000-000000000001",
    "ffffffff-ffff-ffff-ffff-ffffffffffff", "12345678-1234-4234-8234-123456789abc", "550e8400-e29b-41d4-a716-446655440000",
    "3f1a3b52-9b0c-4c5e-8f52-6f1f0d2a7c11",
]
SENTENCE = "That id is a placeholder or an example, so it is no payment's own. Make a new random UUID for each payment."
SEND_MANY = "mutation ($input: SendPaymentsInput!) { sendPayments(input: $input) { results { errors { code field message } } } }"
ONLY_PAYMENTS = "Only a payment can be refunded. This is a refund, or money from or to whoever runs this site."


def asked(browser: FlaskClient, query: str, given: Any) -> Any:
    """The payload of the one mutation."""
    answer = browser.post("/graphql", json={"query": query, "variables": {"input": given}}).json
    assert answer
    (payload,) = answer["data"].values()
    return payload


@pytest.mark.parametrize("key", [*PLACEHOLDERS, MADE])
def test_every_edge_refuses_an_invalid_id_and_nothing_moves(browser: Browsers, app: Flask, key: str) -> None:
    alice, bob = browser("alice"), browser("bob")
    paid = pay(bob, "alice", "10.00").rpartition("/")[2]
    refused = [] if key == MADE else [("INVALID_INPUT", ["idempotencyKey"], SENTENCE)]
    order = {"idempotencyKey": key, "to": "bob", "amount": "1.00"}
    operator = app.test_cli_runner()

    def told(errors: list[dict[str, Any]]) -> list[tuple[str, list[str], str]]:
        return [(each["code"], each["field"], each["message"]) for each in errors]

    assert told(asked(alice, SEND, order)["errors"]) == refused
    if key == MADE:
        return
    assert told(asked(alice, SEND_MANY, {"items": [order]})["results"][0]["errors"]) == refused
    assert told(asked(alice, REFUND, {"idempotencyKey": key, "paymentId": paid})["errors"]) == refused
    form = {"to": "bob", "amount": "1.00", "memo": "", "idempotency_key": key}
    for path in ("/pay", "/pay/confirm", f"/payments/{paid}/refund", f"/payments/{paid}/refund/confirm"):
        shown = page(alice.post(path, data=form), 422)
        assert shown.problems() == {"": "This form was not complete. Check it and send it again."}
        assert shown.hidden("idempotency_key") not in {key, ""}
    for path in ("/payout", "/payout/part"):
        assert alice.post(path, data={"lines": "1,bob,1.00,,\r\n", "idempotency_key": key}).status_code == 422
    commands = (["money", "issue", "alice", "1", "--reason", "x"], ["money", "redeem", "alice", "1", "--reason", "x"],
                ["money", "payout", "-", "--from", "alice"])
    for command in commands:
        done = operator.invoke(args=[*command, "--id", key], input="bob,1.00\n")
        assert (done.exit_code, done.stdout) == (2, ""), command
        assert SENTENCE in done.stderr
    assert balance(alice) == "£1,010.00"


def test_the_pages_and_the_api_refuse_a_refund_of_no_payment_with_the_same_message(browser: Browsers, app: Flask) -> None:
    alice, bob = browser("alice"), browser("bob")
    paid = pay(alice, "bob", "10.00").rpartition("/")[2]
    given_back = asked(bob, REFUND, {"idempotencyKey": str(uuid4()), "paymentId": paid})["payment"]["id"]
    issued = (get(alice, "/wallet").all("a", class_="payment")[-1].attributes["href"] or "").rpartition("/")[2]
    redeemed = str(uuid4())
    assert app.test_cli_runner().invoke(args=["money", "redeem", "alice", "5", "--reason", "x", "--id", redeemed]).exit_code == 0

    for who, payment in ((alice, given_back), (bob, given_back), (alice, issued), (alice, redeemed)):
        for amount in ("1.00", "5000.00"):
            order = {"idempotencyKey": str(uuid4()), "paymentId": payment, "amount": amount}
            (error,) = asked(who, REFUND, order)["errors"]
            assert (error["code"], error["field"], error["message"]) == (NotRefundableError.code, ["paymentId"], ONLY_PAYMENTS)
            for path in ("/refund", "/refund/confirm"):
                form = {"amount": amount, "memo": "", "idempotency_key": str(uuid4())}
                assert page(who.post(f"/payments/{payment}{path}", data=form), 422).problems() == {"": ONLY_PAYMENTS}
    assert (balance(alice), balance(bob)) == ("£995.00", "£1,000.00")


def test_the_pages_and_the_api_do_not_find_a_payment_to_another_person(browser: Browsers) -> None:
    alice, carol = browser("alice"), browser("carol")
    browser("bob")
    paid = pay(alice, "bob", "10.00").rpartition("/")[2]
    for who, payment in ((alice, paid), (carol, paid), (carol, str(uuid4()))):
        order = {"idempotencyKey": str(uuid4()), "paymentId": payment, "amount": "1.00"}
        (error,) = asked(who, REFUND, order)["errors"]
        assert (error["code"], error["field"]) == (NotFoundError.code, ["paymentId"])
        assert error["message"] == "There is no payment to you by that id. Only the person who was paid can refund."
        for path in ("/refund", "/refund/confirm"):
            assert who.post(f"/payments/{payment}{path}", data={"amount": "1.00", "idempotency_key": str(uuid4())}).status_code == 404
