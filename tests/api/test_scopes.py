"""Scopes mean what they say: whoever may pay and not read pays, gets the payment back with all its fields, and sees no balance."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from graphql import GraphQLObjectType, get_named_type, is_leaf_type

from app import identity
from app.api.schema import SCHEMA
from app.database import transact
from app.identity import Scope
from tests.api.conftest import BALANCE
from tests.asgi.test_served import ask as ask_served

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from app.database import Sessions
    from tests.api.conftest import Ask
    from tests.conftest import Browsers
    from tests.gunicorn import Served

# No other amount here has these digits: 1,000.00 to begin with, less 12.34.
BEFORE, PAID, AFTER = "1000.00", "12.34", "987.66"
ERRORS = "errors { __typename code message field ... on InsufficientFundsError { balance { amount } shortfall { amount } } }"


def everything_of(name: str, depth: int) -> str:
    """Every field of this type that asks for no argument, and of what it leads to."""
    kind = SCHEMA.type_map[name]
    assert isinstance(kind, GraphQLObjectType)
    fields = []
    for field_name, field in kind.fields.items():
        led_to = get_named_type(field.type)
        if is_leaf_type(led_to):
            fields.append(field_name)
        elif depth and isinstance(led_to, GraphQLObjectType):
            fields.append(f"{field_name} {{ {everything_of(led_to.name, depth - 1)} }}")
    return " ".join(fields)


PAYMENT = f"replayed payment {{ {everything_of('Payment', 2)} refundOf {{ refunds {{ balanceAfter {{ amount }} }} }} }} {ERRORS}"
SEND = f"mutation ($input: SendPaymentInput!) {{ sendPayment(input: $input) {{ {PAYMENT} }} }}"
SEND_MANY = f"""mutation ($input: SendPaymentsInput!) {{ sendPayments(input: $input) {{
  total {{ amount }} results {{ {PAYMENT} }} {ERRORS} }} }}"""
REFUND = f"mutation ($input: RefundPaymentInput!) {{ refundPayment(input: $input) {{ {PAYMENT} }} }}"


@pytest.fixture
def token(sessions: Sessions, viewer: Any) -> Callable[..., str]:
    """A token of Alice with these scopes."""
    alice, _ = viewer("alice"), viewer("bob")

    def make(*scopes: Scope) -> str:
        return transact(sessions, lambda session: identity.create_api_token(session, alice, name="till", scopes=scopes)).secret

    return make


def order(amount: str = PAID, **more: Any) -> dict[str, Any]:
    return {"idempotencyKey": str(uuid4()), "to": "bob", "amount": amount, **more}


def balances_in(answer: Any) -> set[str]:
    """Whatever is in it of what Alice holds, or lacks."""
    return set(re.findall(r"\b(?:1,?000|987|999|12\.35|0\.01)\b[\d.]*", str(answer)))


def test_a_token_that_may_only_pay_gets_its_payment_back_without_a_balance(client: FlaskClient, ask: Ask, token: Any) -> None:
    given, payer = order(memo="lunch"), token(Scope.PAY)
    first, again = (ask(client, SEND, token=payer, input=given)["data"]["sendPayment"] for _ in range(2))
    assert (first["errors"], first["replayed"], again["replayed"]) == ([], False, True)
    for each in (first, again):
        seen = each["payment"]
        assert (seen["id"], seen["amount"]["amount"], seen["payee"]["username"], seen["memo"]) == (
            given["idempotencyKey"], PAID, "bob", "lunch")
        assert (seen["balanceAfter"], seen["refunds"], seen["refunded"]["amount"]) == (None, [], "0.00")
        assert balances_in(each) == set()
    seen = ask(client, SEND, token=token(Scope.READ, Scope.PAY), input=given)["data"]["sendPayment"]["payment"]
    assert seen["balanceAfter"]["amount"] == AFTER


def test_the_same_holds_on_the_event_loop_where_payments_are_settled_together(served: Served, token: Any) -> None:
    payer, reader = token(Scope.PAY), token(Scope.READ, Scope.PAY)

    def send(secret: str, given: dict[str, Any]) -> Any:
        body = json.dumps({"query": SEND, "variables": {"input": given}})
        status, _, text = ask_served(served, body, {"Authorization": f"Bearer {secret}"})
        assert status == 200
        return json.loads(text)["data"]["sendPayment"]

    for _ in range(4):  # each worker has to have read the document once
        given = order("0.01")
        for _ in range(2):
            found = send(payer, given)
            assert (found["errors"], found["payment"]["id"], found["payment"]["balanceAfter"]) == ([], given["idempotencyKey"], None)
        assert send(reader, given)["payment"]["balanceAfter"]["amount"].startswith("999.9")
        refused = send(payer, order("5000.00"))["errors"]
        assert [(each["__typename"], each["code"]) for each in refused] == [("BasicError", "INSUFFICIENT_FUNDS")]
        assert refused[0]["message"] == "There is not enough money in the wallet. Ask someone for it, or send less."


def test_a_lack_of_money_is_told_to_it_without_figures(client: FlaskClient, ask: Ask, token: Any) -> None:
    given = order("1012.35")
    (refused,) = ask(client, SEND, token=token(Scope.PAY), input=given)["data"]["sendPayment"]["errors"]
    assert refused == {"__typename": "BasicError", "code": "INSUFFICIENT_FUNDS", "field": ["amount"],
                       "message": "There is not enough money in the wallet. Ask someone for it, or send less."}
    (told,) = ask(client, SEND, token=token(Scope.READ, Scope.PAY), input=given)["data"]["sendPayment"]["errors"]
    assert (told["__typename"], told["balance"], told["shortfall"]) == ("InsufficientFundsError", {"amount": BEFORE}, {"amount": "12.35"})
    assert told["message"] == "You need £12.35 more. Ask someone for it, or send less."


def test_many_payments_and_their_refusals_show_it_no_balance(client: FlaskClient, ask: Ask, token: Any) -> None:
    payer = token(Scope.PAY)
    made = ask(client, SEND_MANY, token=payer, input={"items": [order("6.17"), order("6.17")]})["data"]["sendPayments"]
    assert ([each["payment"]["balanceAfter"] for each in made["results"]], made["errors"]) == ([None, None], [])
    items = [order("900.00"), order("100.01")]
    whole = ask(client, SEND_MANY, token=payer, input={"items": items})["data"]["sendPayments"]
    assert [[error["code"] for error in each["errors"]] for each in whole["results"]] == [["NOT_ATTEMPTED"], ["INSUFFICIENT_FUNDS"]]
    assert [(each["__typename"], each["code"], each["field"]) for each in whole["errors"]] == [
        ("BasicError", "INSUFFICIENT_FUNDS", ["items"])]
    each = ask(client, SEND_MANY, token=payer, input={"items": items, "atomic": False})["data"]["sendPayments"]
    assert [result["payment"] is None for result in each["results"]] == [False, True]
    for answer in (made, whole, each):
        assert balances_in(answer) == set()


def test_a_refund_shows_it_the_payment_and_all_its_refunds_and_no_balance(
    client: FlaskClient, ask: Ask, token: Any, browser: Browsers
) -> None:
    paid = str(uuid4())
    ask(browser("bob"), SEND, input={"idempotencyKey": paid, "to": "alice", "amount": "24.68"})
    payer = token(Scope.PAY)
    found = ask(client, REFUND, token=payer, input={"idempotencyKey": str(uuid4()), "paymentId": paid, "amount": "2.00"})
    made = found["data"]["refundPayment"]
    assert (made["errors"], made["payment"]["balanceAfter"]) == ([], None)
    original = made["payment"]["refundOf"]
    assert (original["id"], original["balanceAfter"], original["amount"]["amount"]) == (paid, None, "24.68")
    assert [each["balanceAfter"] for each in original["refunds"]] == [None]
    assert "1022" not in str(found)
    assert "1024" not in str(found)


@pytest.mark.parametrize("query", [
    BALANCE, "{ viewer { wallet { status } } }", "{ viewer { logins { id } } }", "{ viewer { apiTokens { id } } }",
])
def test_what_it_asks_of_the_wallet_itself_is_forbidden(client: FlaskClient, ask: Ask, token: Any, query: str) -> None:
    answer = ask(client, query, token=token(Scope.PAY))
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert balances_in(answer) == set()
