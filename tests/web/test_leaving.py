"""The account page hands a person their data, and lets them leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.web.documents import get, location, page, pay

if TYPE_CHECKING:
    from flask.testing import FlaskClient

PASSWORD = "a long test phrase"


def test_everything_that_is_kept_is_a_file_to_download(browser: Any) -> None:
    alice, _ = browser("alice"), browser("bob")
    pay(alice, "bob", "12.50", "lunch")
    answer = alice.get("/account/data.json")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="wave-data-alice.json"'
    assert answer.json["username"] == "alice"
    assert [each["amount"] for each in answer.json["payments"]] == ["1000.00", "-12.50"]


def test_nobody_elses_data_is_to_be_had(client: FlaskClient) -> None:
    assert location(client.get("/account/data.json")) == "/login?next=/account/data.json"


def test_an_account_with_money_says_what_to_do_before_it_can_be_closed(browser: Any) -> None:
    alice = browser("alice")
    shown = get(alice, "/account")
    assert "Your wallet still holds £1,000.00. Pay it to somebody" in shown.text
    assert shown.all("form", action="/account/close") == []
    refused = page(alice.post("/account/close", data={"close_password": PASSWORD}), 409)
    assert list(refused.problems()) == [""]
    assert refused.problems()[""].startswith("Your wallet still holds £1,000.00.")


def test_a_person_closes_their_account_and_is_gone(browser: Any, client: FlaskClient) -> None:
    alice, bob = browser("alice"), browser("bob")
    receipt = pay(alice, "bob", "1000.00", "all of it")
    assert get(alice, "/account").one("form", action="/account/close")
    done = alice.post("/account/close", data={"close_password": PASSWORD})
    assert get(alice, location(done)).heading == "Your account is closed"
    assert location(alice.get("/wallet")) == "/login?next=/wallet"
    assert client.post("/login", data={"username": "alice", "password": PASSWORD}).status_code == 401
    assert get(client, "/users/alice", 404)
    assert "alice" not in get(client, "/").text.lower()
    assert "Closed account" in get(bob, receipt).text
    assert "alice" not in get(bob, "/wallet").text.lower()


@pytest.mark.parametrize("password", ["", "not the password"])
def test_a_wrong_password_closes_nothing_and_says_so_at_its_box(browser: Any, password: str) -> None:
    alice, _ = browser("alice"), browser("bob")
    pay(alice, "bob", "1000.00")
    refused = page(alice.post("/account/close", data={"close_password": password}), 401)
    assert list(refused.problems()) == ["close_password"]
    assert get(alice, "/account").heading == "Account"


def test_the_page_of_a_closed_account_tells_no_balance_and_takes_no_payment(browser: Any) -> None:
    alice, bob = browser("alice"), browser("bob")
    receipt = pay(alice, "bob", "1000.00")
    alice.post("/account/close", data={"close_password": PASSWORD})
    handles = {each.text.removeprefix("@") for each in get(bob, receipt).all("span", class_="handle")}
    (closed_as,) = handles - {"bob"}
    key = get(bob, "/pay").hidden("idempotency_key")
    shown = page(bob.post("/pay", data={"to": closed_as, "amount": "1", "memo": "", "idempotency_key": key}), 409)
    assert shown.problems() == {"": "That account is closed, so nothing can be paid to it or from it, and nothing was paid."}
