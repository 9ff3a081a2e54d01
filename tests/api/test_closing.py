"""A person leaves by the API as by the account page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.test_people import codes
from tests.web.documents import pay

if TYPE_CHECKING:
    from tests.api.conftest import Ask
    from tests.conftest import Browsers

PASSWORD = "a long test phrase"
CLOSE = "mutation ($input: CloseAccountInput!) { closeAccount(input: $input) { done errors { code message field } } }"
WHO = "{ viewer { user { username } } }"


def test_an_empty_account_is_closed_and_its_login_is_gone(browser: Browsers, ask: Ask) -> None:
    alice, bob = browser("alice"), browser("bob")
    pay(alice, "bob", "1000.00")
    assert ask(alice, CLOSE, input={"currentPassword": PASSWORD})["data"]["closeAccount"] == {"done": True, "errors": []}
    assert ask(alice, WHO)["data"]["viewer"] is None
    newest = ask(bob, "{ viewer { wallet { payments(first: 1) { nodes { payer { username displayName } } } } } }")
    (payment,) = newest["data"]["viewer"]["wallet"]["payments"]["nodes"]
    assert payment["payer"]["displayName"] == "Closed account"
    assert payment["payer"]["username"].startswith("closed-")
    send = "mutation ($input: SendPaymentInput!) { sendPayment(input: $input) { payment { id } errors { code field } } }"
    order = {"idempotencyKey": "0c5d94a4-7b1e-4d0f-8a36-92b1d6f3e857", "to": payment["payer"]["username"], "amount": "1.00"}
    assert codes(ask(bob, send, input=order)["data"]["sendPayment"]) == [("WALLET_CLOSED", None)]


@pytest.mark.parametrize(("password", "spent", "code"), [
    (PASSWORD, "999.99", "WALLET_NOT_EMPTY"), ("wrong", "1000.00", "WRONG_CREDENTIALS"),
], ids=["money is left", "a wrong password"])
def test_what_is_refused_closes_nothing(browser: Browsers, ask: Ask, password: str, spent: str, code: str) -> None:
    alice, _ = browser("alice"), browser("bob")
    pay(alice, "bob", spent)
    answer = ask(alice, CLOSE, input={"currentPassword": password})["data"]["closeAccount"]
    assert answer["done"] is False
    assert [found for found, _ in codes(answer)] == [code]
    assert ask(alice, WHO)["data"]["viewer"] == {"user": {"username": "alice"}}
