"""`sendPayments`: all or none, or each on its own; each once for its key; each refusal at its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from app.api.limits import MAXIMUM_BODY_BYTES, MAXIMUM_PAYMENTS_BODY_BYTES
from tests.api.conftest import BALANCE
from tests.statements import statements_sent

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.api.conftest import Ask
    from tests.conftest import Browsers, Database

SEND_MANY = """mutation ($input: SendPaymentsInput!) { sendPayments(input: $input) {
  total { amount }
  results { replayed payment { id amount { amount } payee { username } balanceAfter { amount } memo }
            errors { __typename code message field } }
  errors { __typename code message field ... on InsufficientFundsError { balance { amount } shortfall { amount } } } } }"""
SEND_MANY_LEAN = """mutation ($input: SendPaymentsInput!) { sendPayments(input: $input) {
  total { amount } results { replayed errors { code } } errors { code field message } } }"""


def item(to: object = "bob", amount: object = "1.00", **others: Any) -> dict[str, Any]:
    return {"idempotencyKey": str(uuid4()), "to": to, "amount": amount, **others}


def send(ask: Ask, payer: FlaskClient, items: list[dict[str, Any]], *, query: str = SEND_MANY, **others: Any) -> Any:
    return ask(payer, query, input={"items": items, **others})["data"]["sendPayments"]


def codes(payload: Any) -> list[tuple[str, list[str] | None]]:
    return [(error["code"], error["field"]) for error in payload["errors"]]


def balance(ask: Ask, client: FlaskClient) -> str:
    return str(ask(client, BALANCE)["data"]["viewer"]["wallet"]["balance"]["amount"])


def test_many_are_paid_in_their_order(browser: Browsers, ask: Ask) -> None:
    alice, bob, kate = browser("alice"), browser("bob"), browser("kate")
    items = [item("bob", "10.00", memo=" for  lunch "), item("KATE", "5.5")]
    answer = send(ask, alice, items)
    assert answer == {
        "total": {"amount": "15.50"}, "errors": [],
        "results": [
            {"replayed": False, "errors": [], "payment": {
                "id": items[0]["idempotencyKey"], "amount": {"amount": "10.00"}, "payee": {"username": "bob"},
                "balanceAfter": {"amount": "990.00"}, "memo": "for lunch"}},
            {"replayed": False, "errors": [], "payment": {
                "id": items[1]["idempotencyKey"], "amount": {"amount": "5.50"}, "payee": {"username": "kate"},
                "balanceAfter": {"amount": "984.50"}, "memo": None}},
        ],
    }
    assert [balance(ask, each) for each in (alice, bob, kate)] == ["984.50", "1010.00", "1005.50"]


@pytest.mark.parametrize("atomic", [True, False])
def test_the_same_request_again_pays_nothing_twice(browser: Browsers, ask: Ask, *, atomic: bool) -> None:
    alice, _ = browser("alice"), browser("bob")
    items = [item() for _ in range(30)]
    first, again = (send(ask, alice, items, atomic=atomic) for _ in range(2))
    assert [each.pop("replayed") for each in first["results"]] == [False] * 30
    assert [each.pop("replayed") for each in again["results"]] == [True] * 30
    assert first == again
    assert balance(ask, alice) == "970.00"


def test_all_or_none_names_each_failing_item_and_pays_nobody(browser: Browsers, ask: Ask) -> None:
    alice, bob, _ = browser("alice"), browser("bob"), browser("kate")
    items = [item(), item("nobody-here"), item("kate", "-1"), item("kate"), item("alice"), item("bob", "5", memo="x" * 201),
             {**item("kate", "x"), "idempotencyKey": "y"}]
    answer = send(ask, alice, items)
    assert answer["total"] is None
    assert codes(answer) == [
        ("NOT_FOUND", ["items", "1", "to"]), ("INVALID_AMOUNT", ["items", "2", "amount"]), ("SELF_PAYMENT", ["items", "4", "to"]),
        ("INVALID_INPUT", ["items", "5", "memo"]), ("INVALID_INPUT", ["items", "6", "idempotencyKey"]),
        ("INVALID_AMOUNT", ["items", "6", "amount"]),
    ]
    assert [codes(each) for each in answer["results"]] == [
        [("NOT_ATTEMPTED", None)], [("NOT_FOUND", ["to"])], [("INVALID_AMOUNT", ["amount"])], [("NOT_ATTEMPTED", None)],
        [("SELF_PAYMENT", ["to"])], [("INVALID_INPUT", ["memo"])], [("INVALID_INPUT", ["idempotencyKey"]), ("INVALID_AMOUNT", ["amount"])],
    ]
    assert answer["results"][0]["errors"][0]["message"].startswith("Nothing is wrong with this payment, but another one")
    assert all(each["payment"] is None for each in answer["results"])
    assert (balance(ask, alice), balance(ask, bob)) == ("1000.00", "1000.00")


def test_each_on_its_own_pays_the_rest(browser: Browsers, ask: Ask) -> None:
    alice, bob = browser("alice"), browser("bob")
    answer = send(ask, alice, [item(), item("nobody-here"), item("bob", "2000"), item("bob", "999")], atomic=False)
    assert answer["total"] == {"amount": "1000.00"}
    assert [codes(each) for each in answer["results"]] == [[], [("NOT_FOUND", ["to"])], [("INSUFFICIENT_FUNDS", ["amount"])], []]
    assert codes(answer) == [("NOT_FOUND", ["items", "1", "to"]), ("INSUFFICIENT_FUNDS", ["items", "2", "amount"])]
    assert (balance(ask, alice), balance(ask, bob)) == ("0.00", "2000.00")


def test_a_total_beyond_the_balance_names_the_shortfall_of_the_whole(browser: Browsers, ask: Ask) -> None:
    alice, _ = browser("alice"), browser("bob")
    before = item("bob", "100.00")
    send(ask, alice, [before])
    answer = send(ask, alice, [before, *(item("bob", "300.00") for _ in range(4))])
    assert answer["errors"] == [{
        "__typename": "InsufficientFundsError", "code": "INSUFFICIENT_FUNDS", "field": ["items"],
        "message": "You need £300.00 more. Ask someone for it, or send less.",
        "balance": {"amount": "900.00"}, "shortfall": {"amount": "300.00"},
    }]
    states = [(each["replayed"], [error["code"] for error in each["errors"]]) for each in answer["results"]]
    assert states == [(True, []), *[(False, ["NOT_ATTEMPTED"])] * 3, (False, ["INSUFFICIENT_FUNDS"])]
    assert balance(ask, alice) == "900.00"


def test_a_repeated_key_is_paid_once_if_equal_and_else_refused(browser: Browsers, ask: Ask) -> None:
    alice, _ = browser("alice"), browser("bob")
    one = item("bob", "10.00")
    answer = send(ask, alice, [one, one])
    assert ([each["replayed"] for each in answer["results"]], answer["total"]) == ([False, True], {"amount": "10.00"})
    other = item("bob", "1.00")
    answer = send(ask, alice, [other, {**other, "amount": "2.00"}])
    assert codes(answer) == [("IDEMPOTENCY_KEY_REUSED", ["items", "1", "idempotencyKey"])]
    assert balance(ask, alice) == "990.00"


def test_nobody_pays_many_without_being_signed_in_or_allowed_to(
    client: FlaskClient, browser: Browsers, ask: Ask, database: Database
) -> None:
    alice, _ = browser("alice"), browser("bob")
    assert codes(send(ask, client, [item()])) == [("UNAUTHENTICATED", None)]
    made = ask(alice, 'mutation { createApiToken(input: {name: "reader", scopes: [READ]}) { secret } }')
    reader = made["data"]["createApiToken"]["secret"]
    assert codes(ask(client, SEND_MANY, token=reader, input={"items": [item()]})["data"]["sendPayments"]) == [("FORBIDDEN", None)]
    assert database.execute("SELECT count(*) FROM ledger.transfers WHERE kind = 'payment'") == [(0,)]


def test_ten_thousand_are_paid_and_one_more_is_refused(browser: Browsers, ask: Ask) -> None:
    alice, bob = browser("alice"), browser("bob")
    items = [item("bob", "0.01", memo=f"Line {number}") for number in range(10_001)]
    (error,) = send(ask, alice, items, query=SEND_MANY_LEAN)["errors"]
    assert error == {"code": "INVALID_INPUT", "field": ["items"], "message": "Send 1 to 10,000 payments at once; these are 10,001."}
    assert codes(send(ask, alice, [])) == [("INVALID_INPUT", ["items"])]
    answer = send(ask, alice, items[:-1], query=SEND_MANY_LEAN)
    assert (answer["total"], answer["errors"], len(answer["results"])) == ({"amount": "100.00"}, [], 10_000)
    assert (balance(ask, alice), balance(ask, bob)) == ("900.00", "1100.00")


def test_the_unknown_handle_of_item_7311_is_named(browser: Browsers, ask: Ask) -> None:
    alice, _ = browser("alice"), browser("bob")
    items = [item("bob", "0.01") for _ in range(8_000)]
    items[7311]["to"] = "bobb"
    answer = send(ask, alice, items, query=SEND_MANY_LEAN)
    assert codes(answer) == [("NOT_FOUND", ["items", "7311", "to"])]
    assert balance(ask, alice) == "1000.00"


def _body(query: str, size: int, **variables: Any) -> bytes:
    body = json.dumps({"query": query, "variables": variables, "x": ""}).encode()
    return body[:-2] + b"x" * (size - len(body)) + b'"}'


def test_only_this_mutation_of_someone_signed_in_may_have_a_large_body(client: FlaskClient, browser: Browsers) -> None:
    alice, _ = browser("alice"), browser("bob")
    one = {"items": [item()]}

    def status(who: FlaskClient, body: bytes) -> int:
        return who.post("/graphql", data=body, content_type="application/json").status_code

    assert status(alice, _body(SEND_MANY, MAXIMUM_BODY_BYTES + 1, input=one)) == 200
    assert status(alice, _body(SEND_MANY, MAXIMUM_PAYMENTS_BODY_BYTES, input=one)) == 200
    assert status(alice, _body(SEND_MANY, MAXIMUM_PAYMENTS_BODY_BYTES + 1, input=one)) == 413
    assert status(client, _body(SEND_MANY, MAXIMUM_BODY_BYTES + 1, input=one)) == 413
    assert status(alice, _body(BALANCE, MAXIMUM_BODY_BYTES + 1)) == 413
    assert status(alice, _body("{ users { totalCount } }" + " " * MAXIMUM_BODY_BYTES, 2 * MAXIMUM_BODY_BYTES)) == 413
    assert status(alice, _body(SEND_MANY + " " * MAXIMUM_BODY_BYTES, 2 * MAXIMUM_BODY_BYTES, input=one)) == 413


def test_the_number_of_statements_does_not_grow_with_the_number_of_payments(browser: Browsers, ask: Ask) -> None:
    alice, _ = browser("alice"), browser("bob")
    counts = []
    for size in (2, 50):
        with statements_sent() as statements:
            send(ask, alice, [item("bob", "0.01") for _ in range(size)])
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 4, counts
