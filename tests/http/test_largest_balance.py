"""Near 2⁶³ minor units every edge refuses with a message, and everything else still works."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.api.conftest import REGISTER, SEND
from tests.conftest import PASSWORD
from tests.web.documents import balance, get, page

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from tests.conftest import Browsers, Database

LARGEST = 2**63 - 1
SENTENCE = "A wallet cannot hold that much, so nothing was moved. Choose a smaller amount."
SEND_MANY = "mutation ($input: SendPaymentsInput!) { sendPayments(input: $input) { results { errors { code } } errors { code field } } }"


@pytest.fixture
def alice(browser: Browsers, database: Database) -> FlaskClient:
    """A person with 1,000.00, and Bob, whose wallet can hold 5.00 more. A superuser sets it: it would take millions of payments."""
    made = browser("alice")
    browser("bob")
    database.execute(f"UPDATE ledger.accounts SET balance = {LARGEST - 500} WHERE id = "
                     "(SELECT account_id FROM users WHERE username = 'bob')")
    return made


def test_the_pages_and_the_api_refuse_a_payment_above_the_largest_balance(alice: FlaskClient, browser: Browsers) -> None:
    def paid(amount: str) -> list[tuple[str, list[str], str]]:
        given = {"idempotencyKey": str(uuid4()), "to": "bob", "amount": amount}
        answer = alice.post("/graphql", json={"query": SEND, "variables": {"input": given}}).json
        assert answer
        return [(each["code"], each["field"], each["message"]) for each in answer["data"]["sendPayment"]["errors"]]

    assert paid("5.01") == [("BALANCE_TOO_LARGE", ["amount"], SENTENCE)]
    form = {"to": "bob", "amount": "5.01", "memo": "", "idempotency_key": str(uuid4())}
    assert page(alice.post("/pay/confirm", data=form), 409).problems() == {"amount": SENTENCE}
    assert balance(alice) == "£1,000.00"
    assert paid("5.00") == []
    assert balance(browser("bob")) == "£92,233,720,368,547,758.07"


def test_a_payout_line_above_the_largest_balance_is_refused(alice: FlaskClient) -> None:
    items = [{"idempotencyKey": str(uuid4()), "to": "bob", "amount": amount} for amount in ("4.00", "1.01", "1.00")]
    for atomic, codes in ((True, [["NOT_ATTEMPTED"], ["BALANCE_TOO_LARGE"], ["NOT_ATTEMPTED"]]), (False, [[], ["BALANCE_TOO_LARGE"], []])):
        answer = alice.post("/graphql", json={"query": SEND_MANY, "variables": {"input": {"items": items, "atomic": atomic}}}).json
        assert answer
        payload = answer["data"]["sendPayments"]
        assert [[error["code"] for error in each["errors"]] for each in payload["results"]] == codes
        assert payload["errors"] == [{"code": "BALANCE_TOO_LARGE", "field": ["items", "1", "amount"]}]


def test_more_than_can_be_issued_is_refused_and_nobody_is_registered_without_their_opening_balance(
    alice: FlaskClient, client: FlaskClient, app: Flask, database: Database
) -> None:
    database.execute(f"UPDATE ledger.accounts SET balance = {-LARGEST + 500} WHERE kind = 'issuance'")
    operator = app.test_cli_runner()
    refused = operator.invoke(args=["money", "issue", "alice", "5.01", "--reason", "x"])
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert f"Error: {SENTENCE}" in refused.stderr
    given = {"username": "carol", "password": PASSWORD}
    answer = client.post("/graphql", json={"query": REGISTER, "variables": {"input": given}}).json
    assert answer
    assert [each["code"] for each in answer["data"]["register"]["errors"]] == ["BALANCE_TOO_LARGE"]
    assert client.post("/register", data=given).status_code == 409
    assert database.execute("SELECT count(*) FROM users") == [(2,)]
    assert operator.invoke(args=["money", "issue", "alice", "5.00", "--reason", "x"]).exit_code == 0
    # Only a superuser can make more than was issued. Even that is reported and breaks nothing.
    assert "The books do not balance" in get(alice, "/").text
    assert "£92,233,720,368,547,758.07" in operator.invoke(args=["ledger", "trial-balance"]).output
