"""Paying by the forms: confirmed once, paid once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from tests.web.documents import balance, get, location, page, pay, words

if TYPE_CHECKING:
    from flask.testing import FlaskClient

KEY = "7b0c8e0e-5a5c-4a4e-9a53-0d2a8b0f4d11"


def test_the_confirmation_shows_name_and_handle_and_the_balance_after_and_moves_nothing(browser: Any) -> None:
    alice = browser("alice")
    browser("bob")

    shown = page(alice.post("/pay", data={"to": "@Bob", "amount": " 12.5 ", "memo": "  Lunch\n today ", "idempotency_key": KEY}))

    assert shown.heading == "Is this right?"
    for part in ("£12.50", "Bob @bob", "Lunch today", "£987.50"):
        assert part in shown.text
    assert shown.hidden("idempotency_key") == KEY
    assert balance(alice) == "£1,000.00"


def test_a_payment_moves_money_on_both_sides_and_both_have_a_receipt(browser: Any) -> None:
    alice, bob = browser("alice"), browser("bob")

    receipt = pay(alice, "bob", "12.50", "Lunch")

    assert (balance(alice), balance(bob)) == ("£987.50", "£1,012.50")
    sent, received = get(alice, receipt), get(bob, receipt)
    assert (sent.heading, received.heading) == ("You paid", "You received")
    assert receipt.removeprefix("/payments/") in sent.text
    assert "Alice @alice" in received.text
    assert "Lunch" in received.text


def test_confirming_twice_pays_once_and_shows_the_same_receipt(browser: Any) -> None:
    alice = browser("alice")
    browser("bob")
    sent = {"to": "bob", "amount": "12.50", "memo": "", "idempotency_key": KEY}

    first, second, third = (location(alice.post("/pay/confirm", data=sent)) for _ in range(3))

    assert first == f"/payments/{KEY}"
    assert second == third == f"/payments/{KEY}?replayed=1"
    assert "This was done already" in get(alice, second).text
    assert balance(alice) == "£987.50"


def test_reloading_the_confirmation_of_a_payment_that_was_made_shows_its_receipt(browser: Any) -> None:
    alice = browser("alice")
    browser("bob")
    sent = {"to": "bob", "amount": "900.00", "memo": "Rent", "idempotency_key": KEY}
    alice.post("/pay/confirm", data=sent)

    assert location(alice.post("/pay", data=sent)) == f"/payments/{KEY}?replayed=1"


def test_going_back_and_changing_a_form_that_has_paid_makes_a_new_payment(browser: Any) -> None:
    alice = browser("alice")
    browser("bob")
    alice.post("/pay/confirm", data={"to": "bob", "amount": "1.00", "memo": "", "idempotency_key": KEY})

    shown = page(alice.post("/pay", data={"to": "bob", "amount": "2.00", "memo": "", "idempotency_key": KEY}))

    assert UUID(shown.hidden("idempotency_key")) != UUID(KEY)


def test_a_refused_payment_keeps_its_key_so_that_trying_again_cannot_pay_twice(browser: Any) -> None:
    alice = browser("alice")
    browser("bob")

    shown = page(alice.post("/pay/confirm", data={"to": "bob", "amount": "1000.01", "memo": "All", "idempotency_key": KEY}), 409)

    assert shown.hidden("idempotency_key") == KEY
    assert shown.problems() == {"amount": "You need £0.01 more. Ask someone for it, or send less."}
    assert (shown.value("to"), shown.value("amount"), shown.value("memo")) == ("bob", "1000.01", "All")


def test_a_key_that_paid_something_else_is_refused_and_replaced(browser: Any) -> None:
    alice = browser("alice")
    browser("bob")
    alice.post("/pay/confirm", data={"to": "bob", "amount": "1.00", "memo": "", "idempotency_key": KEY})

    shown = page(alice.post("/pay/confirm", data={"to": "bob", "amount": "2.00", "memo": "", "idempotency_key": KEY}), 409)

    assert "nothing was paid now" in shown.problems()[""]
    assert shown.hidden("idempotency_key") != KEY
    assert balance(alice) == "£999.00"


def test_a_form_without_a_key_pays_nothing(browser: Any) -> None:
    alice = browser("alice")
    browser("bob")

    for key in ("", "7", "x" * 36):
        shown = page(alice.post("/pay/confirm", data={"to": "bob", "amount": "2.00", "idempotency_key": key}), 422)
        assert UUID(shown.hidden("idempotency_key"))
    assert balance(alice) == "£1,000.00"


def test_what_is_said_beside_the_form_or_twice_in_it_changes_nothing(browser: Any) -> None:
    alice = browser("alice")
    browser("bob")
    mallory = browser("mallory")
    form = {"to": ["bob", "mallory"], "amount": ["2.00", "900.00"], "idempotency_key": KEY}
    location(alice.post("/pay/confirm?to=mallory&amount=900.00", data=form, headers={"to": "mallory", "Cookie": "to=mallory"}))
    assert (balance(alice), balance(mallory)) == ("£998.00", "£1,000.00")


def test_everything_wrong_with_a_payment_is_said_at_once(browser: Any) -> None:
    alice = browser("alice")

    shown = page(alice.post("/pay", data={"to": "nobody", "amount": "1,00", "memo": "x" * 201, "idempotency_key": KEY}), 404)

    assert list(shown.problems()) == ["to", "amount", "memo"]
    nobody = page(alice.post("/pay", data={"to": " ", "amount": "", "idempotency_key": KEY}), 404)
    assert nobody.problems() == {"to": "Choose who is to be paid.", "amount": "Enter an amount, for example 12.50."}


def test_nobody_pays_themselves(browser: Any) -> None:
    alice = browser("alice")

    shown = page(alice.post("/pay", data={"to": "alice", "amount": "1.00", "idempotency_key": KEY}), 422)

    assert shown.problems() == {"to": "You cannot pay yourself. Choose someone else."}


def test_the_whole_balance_can_be_paid(browser: Any) -> None:
    alice = browser("alice")
    browser("bob")

    pay(alice, "bob", "1000.00")

    assert balance(alice) == "£0.00"


def test_a_frozen_wallet_pays_nobody_and_says_so(browser: Any, database: Any) -> None:
    alice = browser("alice")
    browser("bob")
    database.execute("UPDATE ledger.accounts SET status = 'frozen' WHERE id = (SELECT account_id FROM users WHERE username = 'alice')")

    assert "frozen" in get(alice, "/wallet").text
    shown = page(alice.post("/pay", data={"to": "bob", "amount": "1.00", "idempotency_key": KEY}), 409)
    assert shown.problems() == {"": "Your wallet is frozen, so no money can leave it. Ask whoever runs this site."}


def test_paying_somebody_whose_wallet_is_frozen_says_that_it_is_theirs(browser: Any, database: Any) -> None:
    alice = browser("alice")
    browser("bob")
    database.execute("SELECT ledger.set_status((SELECT account_id FROM users WHERE username = 'bob'), 'frozen')")

    shown = page(alice.post("/pay", data={"to": "bob", "amount": "1.00", "idempotency_key": KEY}), 409)
    assert shown.problems() == {"": "The wallet of that person is frozen, so no money can reach it. Nothing was paid."}
    assert "frozen" not in get(alice, "/wallet").text


def test_the_form_offers_the_people_one_dealt_with_last(browser: Any) -> None:
    alice = browser("alice")
    for name in ("bob", "carol"):
        browser(name)
        pay(alice, name, "1.00")

    recent = get(alice, "/pay?amount=5").one("nav", aria_label="People you dealt with last")

    assert words(recent.text) == "CCarol @carol BBob @bob"


def test_suggestions_are_people_alone_and_not_oneself(browser: Any, client: FlaskClient) -> None:
    alice = browser("alice")
    browser("alison")

    assert alice.get("/people.json?search=ALI").get_json() == [
        {"username": "alison", "displayName": "Alison", "isOperator": False},
    ]
    assert client.get("/people.json?search=ali").status_code == 303
