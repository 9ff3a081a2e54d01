"""What may be asked, by whom, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app import create_app
from app.api.inputs import cursor_of
from app.settings import load_settings
from tests.api.conftest import SEND
from tests.statements import statements_sent

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.api.conftest import Ask
    from tests.conftest import Browsers, Database

USERS = """query ($search: String, $first: Int, $after: String) { users(search: $search, first: $first, after: $after) {
  totalCount nodes { username displayName } edges { cursor node { username } }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
PAYMENT = """query ($id: UUID!) { payment(id: $id) {
  id direction amount { amount } payer { username } payee { username displayName } refunded { amount }
  refunds { id amount { amount } memo refundOf { id } } refundOf { id } } }"""
HISTORY = """query ($filter: PaymentFilter, $first: Int, $after: String) { viewer { wallet {
  payments(filter: $filter, first: $first, after: $after) { totalCount
    nodes { kind direction amount { amount } memo payer { username } payee { username } balanceAfter { amount } createdAt }
    edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }"""


def pay(ask: Ask, payer: FlaskClient, number: int, amount: str, to: str = "bob", memo: str | None = None) -> str:
    key = f"5d3c9a71-e84b-4f26-9b0d-{number:012}"
    answer = ask(payer, SEND, input={"idempotencyKey": key, "to": to, "amount": amount, "memo": memo})
    assert answer["data"]["sendPayment"]["errors"] == []
    return key


def error_of(answer: Any) -> tuple[str, list[str] | None]:
    (error,) = answer["errors"]
    return error["extensions"]["code"], error["extensions"].get("field")


def test_nobody_signed_in_is_a_null_viewer(client: FlaskClient, ask: Ask) -> None:
    assert ask(client, "{ viewer { user { username } } }") == {"data": {"viewer": None}}


def test_the_viewer_sees_their_wallet_logins_and_tokens(browser: Browsers, ask: Ask) -> None:
    alice = browser("alice")
    answer = ask(alice, """{ viewer { user { username displayName joinedAt } wallet { status balance { amount currency formatted } }
        logins { current userAgent createdAt lastSeenAt } apiTokens { name } } }""")
    viewer = answer["data"]["viewer"]
    assert viewer["user"]["username"] == "alice"
    assert viewer["user"]["joinedAt"].endswith("Z")
    assert viewer["wallet"] == {"status": "OPEN", "balance": {"amount": "1000.00", "currency": "GBP", "formatted": "£1,000.00"}}
    assert [(each["current"], each["userAgent"]) for each in viewer["logins"]] == [(True, "tests")]
    assert viewer["apiTokens"] == []


def test_a_frozen_wallet_says_so(browser: Browsers, ask: Ask, database: Database) -> None:
    alice = browser("alice")
    database.execute("SELECT ledger.set_status((SELECT account_id FROM users), 'frozen')")
    assert ask(alice, "{ viewer { wallet { status } } }")["data"]["viewer"]["wallet"]["status"] == "FROZEN"


def test_the_people_are_listed_page_by_page(client: FlaskClient, browser: Browsers, ask: Ask) -> None:
    for name in ("carol", "alice", "bob"):
        browser(name)
    first = ask(client, USERS, first=2)["data"]["users"]
    assert [each["username"] for each in first["nodes"]] == ["alice", "bob"]
    assert [each["node"]["username"] for each in first["edges"]] == ["alice", "bob"]
    assert first["totalCount"] == 3
    assert first["pageInfo"] == {
        "hasNextPage": True, "hasPreviousPage": False,
        "startCursor": first["edges"][0]["cursor"], "endCursor": first["edges"][1]["cursor"],
    }
    second = ask(client, USERS, first=2, after=first["pageInfo"]["endCursor"])["data"]["users"]
    assert [each["username"] for each in second["nodes"]] == ["carol"]
    assert (second["pageInfo"]["hasNextPage"], second["pageInfo"]["hasPreviousPage"]) == (False, True)


def test_people_are_searched_by_handle_and_display_name(client: FlaskClient, browser: Browsers, ask: Ask) -> None:
    browser("alice")
    browser("bob")
    found = ask(client, USERS, search="LIC")["data"]["users"]
    assert ([each["displayName"] for each in found["nodes"]], found["totalCount"]) == (["Alice"], 1)


def test_an_empty_page_has_no_cursors(client: FlaskClient, ask: Ask) -> None:
    page = ask(client, USERS, first=None, after=None)["data"]["users"]
    assert page == {
        "totalCount": 0, "nodes": [], "edges": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
    }


@pytest.mark.parametrize("query", [USERS, HISTORY])
def test_a_page_has_one_to_a_hundred_items(browser: Browsers, ask: Ask, query: str) -> None:
    alice = browser("alice")
    for first in (1, 100):
        assert "errors" not in ask(alice, query, first=first)
    for first in (-1, 0, 101):
        assert error_of(ask(alice, query, first=first)) == ("INVALID_INPUT", ["first"])


NO_CURSORS = (
    "", "x", "!!!", "MQ==", "M", "é", cursor_of("0"), cursor_of("-1"), cursor_of("1.5"), cursor_of("x"), cursor_of("٣"),
    cursor_of(str(2**63)), "A" * 65, "/w", "a b",
)


@pytest.mark.parametrize("query", [USERS, HISTORY])
def test_a_cursor_that_is_none_is_refused(browser: Browsers, ask: Ask, query: str) -> None:
    alice = browser("alice")
    for cursor in NO_CURSORS:
        answer = ask(alice, query, after=cursor)
        assert error_of(answer) == ("INVALID_INPUT", ["after"])
        assert answer["errors"][0]["message"].startswith("That is not a place in this list.")


def test_a_user_is_found_in_any_case_and_an_unknown_one_is_null(client: FlaskClient, browser: Browsers, ask: Ask) -> None:
    browser("alice")
    query = "query ($name: Username!) { user(username: $name) { username } }"
    assert ask(client, query, name="ALICE")["data"]["user"] == {"username": "alice"}
    for name in ("bob", "", " ", "a b", "\u212aate", "x" * 40, "alice\x00", 5, ["alice"]):
        assert ask(client, query, name=name) == {"data": {"user": None}}


def test_where_the_list_is_not_public_only_members_see_who_is_here(database: Database, browser: Browsers, ask: Ask) -> None:
    browser("alice")
    app = create_app(load_settings({
        "DATABASE_URL": database.app_url, "PAYMENT_SYSTEM_USER_LIST_PUBLIC": "false", "PAYMENT_SYSTEM_SECURE_COOKIES": "false",
    }))
    assert error_of(ask(app.test_client(), USERS)) == ("UNAUTHENTICATED", None)
    assert error_of(ask(app.test_client(), '{ user(username: "alice") { username } }')) == ("UNAUTHENTICATED", None)
    member = app.test_client()
    cookie = browser("alice").get_cookie("login")
    assert cookie is not None
    member.set_cookie("login", cookie.value)
    assert ask(member, USERS)["data"]["users"]["totalCount"] == 1
    app.extensions["wave"].disconnect()


def test_a_payment_is_seen_by_its_two_people_and_by_nobody_else(client: FlaskClient, browser: Browsers, ask: Ask) -> None:
    alice, bob, carol = browser("alice"), browser("bob"), browser("carol")
    key = pay(ask, alice, 1, "12.50")
    seen = ask(alice, PAYMENT, id=key)["data"]["payment"]
    assert (seen["direction"], seen["payer"]["username"], seen["payee"]) == ("SENT", "alice", {"username": "bob", "displayName": "Bob"})
    assert ask(bob, PAYMENT, id=key)["data"]["payment"]["direction"] == "RECEIVED"
    missing = ask(carol, PAYMENT, id="5d3c9a71-e84b-4f26-9b0d-999999999999")
    assert ask(carol, PAYMENT, id=key) == missing == ask(client, PAYMENT, id=key) == {"data": {"payment": None}}


def test_an_id_that_is_none_is_told_so(client: FlaskClient, ask: Ask) -> None:
    wrong: object
    for wrong in ("", "1", "x" * 36, 5, [], {"a": 1}, "{5d3c9a71-e84b-4f26-9b0d-000000000001}"):
        assert error_of(ask(client, PAYMENT, id=wrong)) == ("INVALID_INPUT", ["id"]), wrong


def test_the_history_is_read_page_by_page_newest_first(browser: Browsers, ask: Ask) -> None:
    alice, _ = browser("alice"), browser("bob")
    for number in range(1, 4):
        pay(ask, alice, number, f"{number}.00", memo=f"number {number}")
    first = ask(alice, HISTORY, first=2)["data"]["viewer"]["wallet"]["payments"]
    assert [each["memo"] for each in first["nodes"]] == ["number 3", "number 2"]
    assert [each["balanceAfter"]["amount"] for each in first["nodes"]] == ["994.00", "997.00"]
    assert first["totalCount"] == 4
    assert first["pageInfo"]["hasNextPage"] is True
    second = ask(alice, HISTORY, first=2, after=first["pageInfo"]["endCursor"])["data"]["viewer"]["wallet"]["payments"]
    assert [each["memo"] for each in second["nodes"]] == ["number 1", "Opening balance"]
    assert (second["pageInfo"]["hasNextPage"], second["pageInfo"]["hasPreviousPage"]) == (False, True)
    opening = second["nodes"][1]
    assert (opening["kind"], opening["payer"], opening["payee"]["username"]) == ("ISSUE", None, "alice")


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"direction": "SENT"}, ["two", "one"]),
    ({"direction": "RECEIVED"}, ["Opening balance"]),
    ({"kind": "PAYMENT"}, ["two", "one"]),
    ({"counterparty": "BOB"}, ["two", "one"]),
    ({"minAmount": "2.00"}, ["two", "Opening balance"]),
    ({"maxAmount": "1.99"}, ["one"]),
    ({"minAmount": "0", "maxAmount": " 1.99 "}, ["one"]),
    ({"maxAmount": "0.00"}, []),
    ({"counterparty": " @Bob ", "text": " ONE "}, ["one"]),
    ({"counterparty": " ", "minAmount": "", "from": "", "text": " "}, ["two", "one", "Opening balance"]),
    ({"text": "TW"}, ["two"]),
    ({"from": "2000-01-01T00:00:00Z", "to": "9999-12-31T23:59:59.999999+00:00"}, ["two", "one", "Opening balance"]),
    ({"from": "2999-01-01T00:00:00+01:00"}, []),
    ({"to": "2000-01-01t00:00:00z"}, []),
    ({"from": "1970-01-01T00:00:00.123456789Z", "to": "2000-01-01t00:00:00.1z"}, []),
    ({"direction": None, "counterparty": None, "from": None, "minAmount": None}, ["two", "one", "Opening balance"]),
]


def test_the_history_is_filtered(browser: Browsers, ask: Ask) -> None:
    alice, _ = browser("alice"), browser("bob")
    pay(ask, alice, 1, "1.00", memo="one")
    pay(ask, alice, 2, "2.00", memo="two")
    for wanted, memos in FILTERS:
        page = ask(alice, HISTORY, filter=wanted)["data"]["viewer"]["wallet"]["payments"]
        assert [each["memo"] for each in page["nodes"]] == memos, wanted
        assert page["totalCount"] == len(memos), wanted


REFUSED_FILTERS: list[tuple[dict[str, Any], str, str]] = [
    ({"minAmount": 5}, "INVALID_AMOUNT", "minAmount"),
    ({"maxAmount": "-1"}, "INVALID_AMOUNT", "maxAmount"),
    ({"text": "x" * 65}, "INVALID_INPUT", "text"),
    ({"counterparty": "a b"}, "INVALID_USERNAME", "counterparty"),
    ({"from": "2026-11-22"}, "INVALID_INPUT", "from"),
    ({"from": "2026-11-22T10:00:00"}, "INVALID_INPUT", "from"),
    ({"to": "2026-02-30T10:00:00Z"}, "INVALID_INPUT", "to"),
    ({"to": "2026-11-22T10:00:00.1234567890Z"}, "INVALID_INPUT", "to"),
    ({"to": "2026-11-22T10:00:00+25:00"}, "INVALID_INPUT", "to"),
    ({"to": 1700000000}, "INVALID_INPUT", "to"),
    ({"to": "0001-01-01T00:00:00Z"}, "INVALID_INPUT", "to"),
    ({"to": "0001-01-01T00:00:00+10:00"}, "INVALID_INPUT", "to"),
    ({"to": "9999-12-31T23:59:59-10:00"}, "INVALID_INPUT", "to"),
]


def test_a_filter_that_cannot_be_is_refused(browser: Browsers, ask: Ask) -> None:
    alice = browser("alice")
    for wanted, code, field in REFUSED_FILTERS:
        assert error_of(ask(alice, HISTORY, filter=wanted)) == (code, [field]), wanted


def test_the_balance_of_each_day_ends_with_today(browser: Browsers, ask: Ask) -> None:
    alice = browser("alice")
    query = "query ($days: Int) { viewer { wallet { balanceHistory(days: $days) { date balance { amount } } } } }"
    points = ask(alice, query, days=None)["data"]["viewer"]["wallet"]["balanceHistory"]
    assert len(points) == 30
    assert [each["balance"]["amount"] for each in points[-2:]] == ["0.00", "1000.00"]
    for days in (0, 367):
        assert error_of(ask(alice, query, days=days)) == ("INVALID_INPUT", ["days"])


def test_anyone_may_ask_whether_the_books_balance(client: FlaskClient, browser: Browsers, ask: Ask) -> None:
    browser("alice")
    query = "{ ledgerHealth { balanced issued { amount } heldByPeople { amount } payments checkedAt } }"
    health = ask(client, query)["data"]["ledgerHealth"]
    assert health.pop("checkedAt").endswith("Z")
    assert health == {"balanced": True, "issued": {"amount": "1000.00"}, "heldByPeople": {"amount": "1000.00"}, "payments": "1"}


def test_a_page_of_payments_takes_as_many_queries_as_one_payment(browser: Browsers, ask: Ask) -> None:
    alice, _ = browser("alice"), browser("bob")
    for number in range(1, 6):
        pay(ask, alice, number, "1.00")
    statements = [count_statements(lambda first=first: ask(alice, HISTORY, first=first)) for first in (1, 6)]
    assert statements[0] == statements[1]


def test_a_count_that_is_not_asked_for_is_not_made(browser: Browsers, ask: Ask) -> None:
    alice = browser("alice")
    query = "{ viewer { wallet { payments { %s } } } }"
    without = count_statements(lambda: ask(alice, query % "nodes { id }"))
    counted = count_statements(lambda: ask(alice, query % "nodes { id } totalCount"))
    assert counted == without + 1


def count_statements(work: Any) -> int:
    with statements_sent() as statements:
        work()
    return len(statements)
