"""Receipts and refunds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.documents import balance, get, location, page, pay

KEY = "7b0c8e0e-5a5c-4a4e-9a53-0d2a8b0f4d11"


def test_a_receipt_is_for_its_two_people_alone(browser: Any) -> None:
    receipt = pay(browser("alice"), "bob", "1.00") if browser("bob") else ""

    answer = browser("carol").get(receipt)

    missing = browser("carol").get(f"/payments/{KEY}")
    assert answer.status_code == missing.status_code == 404
    assert page(answer, 404).text == page(missing, 404).text


def test_the_payee_gives_part_back_and_both_receipts_say_so(browser: Any) -> None:
    alice, bob = browser("alice"), browser("bob")
    receipt = pay(alice, "bob", "10.00", "Lunch")
    assert get(bob, receipt).value("amount") == "10.00"

    shown = page(bob.post(receipt + "/refund", data={"amount": "4.00", "memo": "Too much", "idempotency_key": KEY}))
    assert shown.heading == "Refund this?"
    assert "Alice @alice" in shown.text
    assert "£1,006.00" in shown.text
    assert balance(bob) == "£1,010.00"
    sent = {name: shown.hidden(name) for name in ("amount", "memo", "idempotency_key")}
    refund = location(bob.post(receipt + "/refund/confirm", data=sent))

    assert refund == f"/payments/{KEY}"
    assert (balance(alice), balance(bob)) == ("£994.00", "£1,006.00")
    assert get(bob, refund).heading == "You refunded"
    assert get(alice, refund).heading == "You were refunded"
    assert "+£4.00" in get(alice, receipt).text
    assert get(bob, receipt).value("amount") == "6.00"
    assert "£4.00 refunded" in get(alice, "/wallet").text


def test_refunding_twice_with_one_form_refunds_once(browser: Any) -> None:
    alice, bob = browser("alice"), browser("bob")
    receipt = pay(alice, "bob", "10.00")
    sent = {"amount": "4.00", "memo": "", "idempotency_key": KEY}

    answers = [location(bob.post(receipt + "/refund/confirm", data=sent)) for _ in range(2)]

    assert answers == [f"/payments/{KEY}", f"/payments/{KEY}?replayed=1"]
    assert location(bob.post(receipt + "/refund", data=sent)) == f"/payments/{KEY}?replayed=1"
    assert balance(bob) == "£1,006.00"


def test_no_more_than_was_paid_goes_back(browser: Any) -> None:
    alice, bob = browser("alice"), browser("bob")
    receipt = pay(alice, "bob", "10.00")

    for path in ("/refund", "/refund/confirm"):
        shown = page(bob.post(receipt + path, data={"amount": "10.01", "memo": "", "idempotency_key": KEY}), 422)
        assert shown.problems() == {"amount": "Only £10.00 of this payment is left to refund. Refund that or less."}
        assert shown.hidden("idempotency_key") == KEY
    assert balance(bob) == "£1,010.00"


def test_a_refund_needs_the_money_to_be_there_still(browser: Any) -> None:
    alice, bob = browser("alice"), browser("bob")
    receipt = pay(alice, "bob", "10.00")
    pay(bob, "alice", "1005.00")

    for path in ("/refund", "/refund/confirm"):
        shown = page(bob.post(receipt + path, data={"amount": "10.00", "memo": "", "idempotency_key": KEY}), 409)
        assert shown.problems() == {"amount": "You need £5.00 more. Ask someone for it, or send less."}


def test_only_the_payee_may_refund(browser: Any) -> None:
    alice = browser("alice")
    browser("bob")
    receipt = pay(alice, "bob", "10.00")

    assert get(alice, receipt).all("details", class_="card no-print refund") == []
    for path in ("/refund", "/refund/confirm"):
        assert alice.post(receipt + path, data={"amount": "1.00", "memo": "", "idempotency_key": KEY}).status_code == 404
    assert balance(alice) == "£990.00"


def test_a_refund_says_all_that_is_wrong(browser: Any) -> None:
    alice, bob = browser("alice"), browser("bob")
    receipt = pay(alice, "bob", "10.00")

    shown = page(bob.post(receipt + "/refund", data={"amount": "-1", "memo": "x" * 201, "idempotency_key": KEY}), 422)

    assert list(shown.problems()) == ["amount", "memo"]


@pytest.mark.parametrize(("frozen", "sentence"), [
    ("bob", "Your wallet is frozen, so no money can leave it. Ask whoever runs this site."),
    ("alice", "The wallet of that person is frozen, so no money can reach it. Nothing was paid."),
])
def test_a_frozen_wallet_is_said_before_a_refund_is_confirmed(browser: Any, database: Any, frozen: str, sentence: str) -> None:
    alice, bob = browser("alice"), browser("bob")
    receipt = pay(alice, "bob", "10.00")
    database.execute(f"SELECT ledger.set_status((SELECT account_id FROM users WHERE username = '{frozen}'), 'frozen')")

    offered = get(bob, receipt)
    assert len(offered.all("details", class_="card no-print refund")) == (0 if frozen == "bob" else 1)
    assert ("Your wallet is frozen, so nothing can be given back from it." in offered.text) == (frozen == "bob")
    shown = page(bob.post(receipt + "/refund", data={"amount": "1.00", "memo": "", "idempotency_key": KEY}), 409)
    assert shown.problems() == {"": sentence}


def test_what_the_operator_gave_is_not_refunded(browser: Any) -> None:
    alice = browser("alice")
    opening = get(alice, "/wallet").all("a", class_="payment")[0].attributes["href"] or ""

    for path in ("/refund", "/refund/confirm"):
        shown = page(alice.post(opening + path, data={"amount": "1.00", "memo": "", "idempotency_key": KEY}), 422)
        assert shown.problems() == {"": "Only a payment can be refunded. This is a refund, or money from or to whoever runs this site."}
