"""Paying and refunding over GraphQL: once, exactly, by whoever is signed in, and each refusal as data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.api.conftest import BALANCE, FIRST_KEY, REFUND, SEND

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.api.conftest import Ask
    from tests.conftest import Browsers, Database

MAXIMUM = "10000000000.00"


def order(amount: object, to: object = "bob", **others: Any) -> dict[str, Any]:
    return {"idempotencyKey": str(uuid4()), "to": to, "amount": amount, **others}


def send(ask: Ask, payer: FlaskClient, given: dict[str, Any]) -> Any:
    return ask(payer, SEND, input=given)["data"]["sendPayment"]


def codes(payload: Any) -> list[tuple[str, list[str] | None]]:
    return [(error["code"], error["field"]) for error in payload["errors"]]


def balance(ask: Ask, client: FlaskClient) -> str:
    return str(ask(client, BALANCE)["data"]["viewer"]["wallet"]["balance"]["amount"])


def transfers(database: Database) -> int:
    """Payments and refunds in the books, beside the opening balances."""
    ((count,),) = database.execute("SELECT count(*) FROM ledger.transfers WHERE kind IN ('payment', 'refund')")
    return int(count)


def test_a_payment_reaches_its_payee(browser: Browsers, ask: Ask) -> None:
    alice, bob = browser("alice"), browser("bob")
    answer = send(ask, alice, {"idempotencyKey": FIRST_KEY, "to": "BOB", "amount": "12.50", "memo": " for  the\nbook "})
    assert answer == {
        "replayed": False,
        "payment": {
            "id": FIRST_KEY, "amount": {"amount": "12.50"}, "payer": {"username": "alice"}, "payee": {"username": "bob"},
            "balanceAfter": {"amount": "987.50"}, "memo": "for the book", "direction": "SENT", "kind": "PAYMENT",
        },
        "errors": [],
    }
    assert (balance(ask, alice), balance(ask, bob)) == ("987.50", "1012.50")


def test_the_same_key_pays_once_and_answers_the_same(browser: Browsers, ask: Ask, database: Database) -> None:
    alice, _ = browser("alice"), browser("bob")
    given = order("10.00")
    first, second = send(ask, alice, given), send(ask, alice, given)
    assert (first.pop("replayed"), second.pop("replayed")) == (False, True)
    assert first == second
    assert transfers(database) == 1


def test_a_key_of_another_payment_is_refused(browser: Browsers, ask: Ask, database: Database) -> None:
    alice, _ = browser("alice"), browser("bob")
    given = order("10.00")
    send(ask, alice, given)
    assert codes(send(ask, alice, {**given, "amount": "11.00"})) == [("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])]
    assert transfers(database) == 1


def test_bug_anyone_could_pay_as_anyone_without_logging_in(
    client: FlaskClient, browser: Browsers, ask: Ask, database: Database
) -> None:
    browser("alice")
    browser("bob")
    assert codes(send(ask, client, order("10.00"))) == [("UNAUTHENTICATED", None)]
    for name in ("from", "payer", "source", "username"):
        ask(client, SEND, 400, input=order("10.00", **{name: "alice"}))
    assert transfers(database) == 0


def test_bug_a_negative_amount_took_money(browser: Browsers, ask: Ask, database: Database) -> None:
    alice, bob = browser("alice"), browser("bob")
    answer = send(ask, alice, order("-10.00"))
    assert codes(answer) == [("INVALID_AMOUNT", ["amount"])]
    assert "Leave out the minus sign" in answer["errors"][0]["message"]
    assert (balance(ask, alice), balance(ask, bob), transfers(database)) == ("1000.00", "1000.00", 0)


# Source: docs/api.md: amounts are exact decimals as text.
REFUSED: list[object] = [
    "", "-1", "+5", "NaN", "Infinity", "1e5", "1_000", "5,00", "٥", "5\x1f", "0x10", "0", "0.00", "0.001", "1.005", "00.50", "01", ".5",
    "5.", "-0", "5\n5", "$5", "1" * 33, "10000000000.01", "null", "\x00", 5, 0, -1, 5.5, 1e400, 10**30, True, False, [], ["5"], [5], {},
    {"amount": "5"},
]


def test_every_refused_form_of_an_amount_is_told_in_a_sentence(browser: Browsers, ask: Ask, database: Database) -> None:
    alice, _ = browser("alice"), browser("bob")
    for amount in REFUSED:
        answer = _send_as_written(alice, order(amount))
        assert codes(answer) == [("INVALID_AMOUNT", ["amount"])], amount
        assert answer["payment"] is None
        assert answer["errors"][0]["message"].endswith((".", '"')), amount
    assert (balance(ask, alice), transfers(database)) == ("1000.00", 0)


def _send_as_written(payer: FlaskClient, given: dict[str, Any]) -> Any:
    body = json.dumps({"query": SEND, "variables": {"input": given}})
    if given["amount"] == 1e400:
        # Python writes what is too large for a float as a word, which is not JSON; a client would write the number.
        body = body.replace("Infinity", "1e400")
    response = payer.post("/graphql", data=body, content_type="application/json")
    assert response.status_code == 200, response.text
    return json.loads(response.text)["data"]["sendPayment"]


def test_an_odd_amount_in_the_querys_text_is_refused_as_data_too(browser: Browsers, ask: Ask) -> None:
    alice, _ = browser("alice"), browser("bob")
    for literal in ("5", "5.5", "-1", "true", '["5"]', "[]", "{a: 1}", "FIVE", '""', '"1e5"', '"""5,00"""'):
        assert codes(ask(alice, written_out(literal))["data"]["sendPayment"]) == [("INVALID_AMOUNT", ["amount"])], literal


def test_an_amount_in_the_querys_text_pays(browser: Browsers, ask: Ask) -> None:
    alice, _ = browser("alice"), browser("bob")
    assert ask(alice, written_out('"0.01"'))["data"]["sendPayment"]["payment"]["balanceAfter"] == {"amount": "999.99"}


def written_out(amount: str) -> str:
    """The payment with its amount in the query's text instead of the variables."""
    given = f'{{idempotencyKey: "{FIRST_KEY}", to: "bob", amount: {amount}}}'
    return SEND.replace("($input: SendPaymentInput!)", "").replace("$input", given)


def test_a_null_or_missing_amount_has_the_code_of_a_wrong_one(browser: Browsers, ask: Ask, database: Database) -> None:
    alice, _ = browser("alice"), browser("bob")
    missing = order("1.00")
    del missing["amount"]
    text = f'mutation {{ sendPayment(input: {{idempotencyKey: "{FIRST_KEY}", to: "bob" AMOUNT}}) {{ replayed }} }}'
    answers = [
        ask(alice, SEND, 400, input=order(None)), ask(alice, SEND, 400, input=missing),
        ask(alice, text.replace("AMOUNT", "amount: null"), 400), ask(alice, text.replace("AMOUNT", ""), 400),
    ]
    for answer in answers:
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "INVALID_AMOUNT"
        assert error["message"].startswith("That is not an amount. Write only the number, for example 12.50. (")
    assert transfers(database) == 0


def test_a_proper_amount_is_paid_down_to_the_last_penny(browser: Browsers, ask: Ask) -> None:
    alice, _ = browser("alice"), browser("bob")
    for amount in ("0.01", "1", "1.5", "997.49"):
        assert send(ask, alice, order(amount))["errors"] == []
    assert balance(ask, alice) == "0.00"
    assert codes(send(ask, alice, order("0.01"))) == [("INSUFFICIENT_FUNDS", ["amount"])]


def test_the_whole_balance_is_paid_at_once(browser: Browsers, ask: Ask) -> None:
    alice, _ = browser("alice"), browser("bob")
    assert send(ask, alice, order("1000.00"))["errors"] == []
    assert balance(ask, alice) == "0.00"


@pytest.mark.parametrize(("amount", "shortfall", "formatted"), [
    ("1000.01", "0.01", "£0.01"), (MAXIMUM, "9999999000.00", "£9,999,999,000.00"),
])
def test_more_than_the_balance_tells_what_is_missing(
    browser: Browsers, ask: Ask, database: Database, amount: str, shortfall: str, formatted: str
) -> None:
    alice, _ = browser("alice"), browser("bob")
    answer = send(ask, alice, order(amount))
    assert answer["errors"] == [{
        "__typename": "InsufficientFundsError", "code": "INSUFFICIENT_FUNDS", "field": ["amount"],
        "message": f"You need {formatted} more. Ask someone for it, or send less.",
        "balance": {"amount": "1000.00", "formatted": "£1,000.00", "currency": "GBP"},
        "shortfall": {"amount": shortfall, "formatted": formatted},
    }]
    assert (balance(ask, alice), transfers(database)) == ("1000.00", 0)


def test_a_refused_key_may_be_used_again(browser: Browsers, ask: Ask) -> None:
    alice, _ = browser("alice"), browser("bob")
    given = order("1000.01")
    send(ask, alice, given)
    assert send(ask, alice, {**given, "amount": "1000.00"})["errors"] == []


def test_bug_only_the_first_graphql_error_was_shown_of_a_payment(browser: Browsers, ask: Ask, database: Database) -> None:
    alice = browser("alice")
    answer = send(ask, alice, {"idempotencyKey": "x", "to": "nobody-here", "amount": "-5", "memo": "x" * 201})
    assert codes(answer) == [
        ("INVALID_INPUT", ["idempotencyKey"]), ("INVALID_AMOUNT", ["amount"]), ("INVALID_INPUT", ["memo"]), ("NOT_FOUND", ["to"]),
    ]
    assert transfers(database) == 0


def test_a_payee_who_is_not_here_is_not_found(browser: Browsers, ask: Ask) -> None:
    alice, _, _ = browser("alice"), browser("bob"), browser("kate")
    for to in ("nobody-here", "", "a b", "\u212aate", "bob\x00", 5, ["bob"], {"username": "bob"}):
        assert codes(send(ask, alice, order("1.00", to))) == [("NOT_FOUND", ["to"])], to


def test_nobody_pays_themselves(browser: Browsers, ask: Ask) -> None:
    assert codes(send(ask, browser("alice"), order("1.00", "Alice"))) == [("SELF_PAYMENT", ["to"])]


def test_a_key_that_is_no_uuid_is_told_as_data(browser: Browsers, ask: Ask) -> None:
    alice, _ = browser("alice"), browser("bob")
    key: object
    for key in ("", "1", 5, [], {}, "0" * 36, FIRST_KEY + "0", f"{{{FIRST_KEY}}}", f"urn:uuid:{FIRST_KEY}"):
        answer = send(ask, alice, {"idempotencyKey": key, "to": "bob", "amount": "1.00"})
        assert codes(answer) == [("INVALID_INPUT", ["idempotencyKey"])], key


def test_a_memo_has_at_most_two_hundred_characters(browser: Browsers, ask: Ask) -> None:
    alice, _ = browser("alice"), browser("bob")
    for memo in ("x" * 200, "\u00e9" * 200, "", None):
        assert send(ask, alice, order("1.00", memo=memo))["errors"] == []
    for memo in ("x" * 201, "a\x00b"):
        assert codes(send(ask, alice, order("1.00", memo=memo))) == [("INVALID_INPUT", ["memo"])]


def test_a_frozen_wallet_neither_pays_nor_is_paid(browser: Browsers, ask: Ask, database: Database) -> None:
    alice, bob = browser("alice"), browser("bob")
    database.execute("SELECT ledger.set_status((SELECT account_id FROM users WHERE username = 'bob'), 'frozen')")
    assert codes(send(ask, alice, order("1.00"))) == [("WALLET_FROZEN", None)]
    assert codes(send(ask, bob, order("1.00", "alice"))) == [("WALLET_FROZEN", None)]


def refund(ask: Ask, refunder: FlaskClient, **given: Any) -> Any:
    return ask(refunder, REFUND, input={"idempotencyKey": str(uuid4()), **given})["data"]["refundPayment"]


def test_a_payment_is_refunded_in_parts_and_never_beyond(browser: Browsers, ask: Ask) -> None:
    alice, bob = browser("alice"), browser("bob")
    given = order("10.00")
    send(ask, alice, given)
    key = given["idempotencyKey"]
    part = refund(ask, bob, paymentId=key, amount="4.00")
    assert part["errors"] == []
    assert part["payment"]["kind"] == "REFUND"
    assert part["payment"]["payee"] == {"username": "alice"}
    assert part["payment"]["refundOf"] == {"id": key, "refunded": {"amount": "4.00"}}
    assert codes(refund(ask, bob, paymentId=key, amount="6.01")) == [("REFUND_TOO_LARGE", ["amount"])]
    rest = refund(ask, bob, paymentId=key, amount=None)
    assert rest["payment"]["amount"] == {"amount": "6.00"}
    assert codes(refund(ask, bob, paymentId=key)) == [("REFUND_TOO_LARGE", ["amount"])]
    assert (balance(ask, alice), balance(ask, bob)) == ("1000.00", "1000.00")


def test_a_refund_sent_again_is_made_once(browser: Browsers, ask: Ask, database: Database) -> None:
    alice, bob = browser("alice"), browser("bob")
    given = order("10.00")
    send(ask, alice, given)
    answers = [refund(ask, bob, idempotencyKey=FIRST_KEY, paymentId=given["idempotencyKey"]) for _ in range(2)]
    assert [answer["replayed"] for answer in answers] == [False, True]
    assert transfers(database) == 2


def test_a_foreign_payment_is_refunded_no_more_than_a_missing_one(browser: Browsers, ask: Ask, database: Database) -> None:
    alice, _, carol = browser("alice"), browser("bob"), browser("carol")
    given = order("10.00")
    send(ask, alice, given)
    missing = refund(ask, carol, paymentId=str(uuid4()))
    assert codes(missing) == [("NOT_FOUND", ["paymentId"])]
    assert refund(ask, carol, paymentId=given["idempotencyKey"]) == missing
    assert refund(ask, alice, paymentId=given["idempotencyKey"]) == missing
    assert transfers(database) == 1


def test_all_that_is_wrong_with_a_refund_is_told_at_once(browser: Browsers, ask: Ask) -> None:
    answer = refund(ask, browser("alice"), idempotencyKey="x", paymentId="y", amount="0", memo="x" * 201)
    assert codes(answer) == [
        ("INVALID_INPUT", ["idempotencyKey"]), ("INVALID_INPUT", ["paymentId"]), ("INVALID_AMOUNT", ["amount"]),
        ("INVALID_INPUT", ["memo"]),
    ]


def test_a_payment_whose_answer_cannot_be_made_is_not_made(browser: Browsers, ask: Ask, database: Database) -> None:
    """Whoever sees an error beside the data may rely on it that nothing was done."""
    alice, bob = browser("alice"), browser("bob")
    given = order("10.00")
    send(ask, alice, given)
    refund = {"paymentId": given["idempotencyKey"], "amount": "1.00"}
    for _ in range(7):
        ask(bob, REFUND, input={"idempotencyKey": str(uuid4()), **refund})
    # With the one that is to be made, 8 refunds, of each the payment, and of that 8 again: more than an answer holds.
    wanted = "refundOf { refunds { refundOf { refunds { refundOf { id } } } } }"
    query = f"mutation ($input: RefundPaymentInput!) {{ refundPayment(input: $input) {{ payment {{ {wanted} }} }} }}"
    answer = ask(bob, query, input={"idempotencyKey": str(uuid4()), **refund})
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["code"] == "INVALID_INPUT"
    assert transfers(database) == 8
