"""The original's bugs and wishes that pages have a part in, each by its name."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from tests.web.documents import balance, get, location, page, pay, words

if TYPE_CHECKING:
    from flask.testing import FlaskClient

ROOM = "£1,000.00"


@pytest.mark.parametrize("path", ["/wallet", "/account", "/pay", "/wallet/statement.csv", "/people.json"])
def test_bug_typing_a_url_got_into_an_account(client: FlaskClient, browser: Any, path: str) -> None:
    browser("alice")

    answer = client.get(path)

    assert location(answer) == "/login?next=" + path
    assert "alice" not in answer.text


def test_bug_typing_a_url_shows_ones_own_wallet_and_no_other(browser: Any) -> None:
    alice, bob = browser("alice"), browser("bob")
    receipt = pay(alice, "bob", "1.00")

    for path in ("/wallet/bob", "/users/bob/wallet", "/wallet?user=bob&username=bob"):
        assert "@bob" not in alice.get(path).text.partition("<h2")[0]
    assert get(browser("carol"), receipt, 404).heading == "There is nothing here"
    assert get(bob, receipt).heading == "You received"


def test_bug_an_unknown_users_page_was_a_500(client: FlaskClient) -> None:
    for name in ("nobody-here", "a", "%20", "%00", "O'Neill", "../etc/passwd", "x" * 300, "%F0%9F%92%B8", "alice;--"):
        answer = client.get(f"/users/{name}")
        assert answer.status_code == 404, name
        assert page(answer, 404).heading == "There is nothing here"


@pytest.mark.parametrize("name", ["", " ", "a", "al", "a b", "<b>bob</b>", "bob\x00", "1bob", "боб", "x" * 33, "b\nob", "admin"])
def test_bug_blank_or_odd_usernames_broke_the_page(client: FlaskClient, name: str) -> None:
    answer = client.post("/register", data={"username": name, "password": "a long test phrase"})

    shown = page(answer, 422)
    assert list(shown.problems()) == ["username"]
    assert client.post("/login", data={"username": name, "password": "a long test phrase"}).status_code == 401
    assert get(client, "/").heading == "Pay each other, to the penny"


def test_bug_only_the_first_error_was_shown(client: FlaskClient) -> None:
    shown = page(client.post("/register", data={"username": "?", "password": "short", "display_name": "x" * 65}), 422)

    assert list(shown.problems()) == ["username", "display_name", "password"]


@pytest.mark.parametrize("amount", [
    "-1", "-0.01", "0", "0.00", "1e3", "NaN", "Infinity", "1,00", "٥", "0x10", "1.001", "", "10000000000.01",
])
def test_bug_paying_a_negative_amount_took_money(browser: Any, amount: str) -> None:
    alice, bob = browser("alice"), browser("bob")
    sent = {"to": "bob", "amount": amount, "memo": "", "idempotency_key": "7b0c8e0e-5a5c-4a4e-9a53-0d2a8b0f4d11"}

    for path in ("/pay", "/pay/confirm"):
        shown = page(alice.post(path, data=sent), 422)
        assert list(shown.problems()) == ["amount"]
        assert shown.value("amount") == amount

    assert (balance(alice), balance(bob)) == (ROOM, ROOM)


def test_bug_anyone_could_pay_as_anyone(client: FlaskClient, browser: Any) -> None:
    alice, bob = browser("alice"), browser("bob")
    sent = {"from": "alice", "payer": "alice", "to": "bob", "amount": "5.00", "idempotency_key": "0c3d6cbb-3e5a-4f43-a442-1ba9e3a1a9a4"}

    assert location(client.post("/pay/confirm", data=sent)) == "/login?next=/wallet"
    assert "to" in page(bob.post("/pay/confirm", data=sent), 422).problems()
    assert (balance(alice), balance(bob)) == (ROOM, ROOM)


def test_bug_passwords_were_lower_cased(client: FlaskClient) -> None:
    client.post("/register", data={"username": "alice", "password": "A Long Test PHRASE"})
    client.post("/logout")

    assert client.post("/login", data={"username": "alice", "password": "a long test phrase"}).status_code == 401
    assert location(client.post("/login", data={"username": "alice", "password": "A Long Test PHRASE"})) == "/wallet"


def test_bug_a_public_page_showed_private_things(client: FlaskClient, browser: Any) -> None:
    alice = browser("alice")
    browser("bob")
    pay(alice, "bob", "12.34", "a secret present")

    shown = client.get("/users/alice").text + client.get("/users/bob").text

    for private in ("987.66", "1,012.34", "12.34", "secret present", "argon2", "£"):
        assert private not in shown


def test_wish_paying_by_tapping_a_tile(browser: Any) -> None:
    alice = browser("alice")
    browser("bob")

    tile = next(each for each in get(alice, "/").all("a", class_="tile") if "@bob" in each.text)
    form = get(alice, tile.attributes["href"] or "")

    assert form.value("to") == "bob"
    assert words(form.one("button", class_="is-wide").text) == "Continue"


def test_wish_back_to_home_and_log_out_are_on_every_page(browser: Any) -> None:
    alice = browser("alice")
    browser("bob")
    receipt = pay(alice, "bob", "1.00")

    for path in ("/", "/wallet", "/pay", "/account", "/users/bob", receipt, "/nowhere"):
        shown = get(alice, path, 404 if path == "/nowhere" else 200)
        assert "Back to home" in [words(each.text) for each in shown.all("a", href="/")]
        assert len(shown.all("form", action="/logout", method="post")) == 1


def test_wish_one_text_for_people_and_another_for_developers(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("the ledger's 7 secrets")

    monkeypatch.setattr("app.ledger.trial_balance", fail)
    logging.getLogger("app").addHandler(caplog.handler)

    answer = client.get("/")

    shown = page(answer, 500)
    error_id = words(shown.one("code").text)
    assert error_id == answer.headers["X-Request-Id"]
    assert "secrets" not in answer.text
    assert "Traceback" not in answer.text
    bug = next(record for record in caplog.records if record.message == "bug")
    assert vars(bug)["error_id"] == error_id
    assert bug.exc_info is not None
    assert "7 secrets" in str(bug.exc_info[1])


def test_wish_a_refusal_says_what_to_do_next(browser: Any) -> None:
    alice = browser("alice")
    browser("bob")
    key = get(alice, "/pay").hidden("idempotency_key")

    shown = page(alice.post("/pay", data={"to": "bob", "amount": "1003.20", "idempotency_key": key}), 409)

    assert shown.problems() == {"amount": "You need £3.20 more. Ask someone for it, or send less."}
