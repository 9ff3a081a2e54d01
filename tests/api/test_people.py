"""Registering, logging in and out, passwords and tokens over GraphQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from app import create_app
from app.settings import load_settings
from tests.api.conftest import BALANCE, LOG_IN, REGISTER, SEND

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.api.conftest import Ask
    from tests.conftest import Browsers, Database

PASSWORD = "a long test phrase"
WHO = "{ viewer { user { username } } }"
CHANGE = "mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { done errors { code message field } } }"
CREATE = """mutation ($input: CreateApiTokenInput!) { createApiToken(input: $input) {
  apiToken { id name scopes createdAt lastUsedAt } secret errors { code field } } }"""
REVOKE_TOKEN = "mutation ($id: UUID!) { revokeApiToken(id: $id) { done errors { code field } } }"
REVOKE_LOGIN = "mutation ($id: UUID!) { revokeLogin(id: $id) { done errors { code field } } }"
LOG_OUT = "mutation { logOut { done errors { code } } }"


def codes(payload: Any) -> list[tuple[str, list[str] | None]]:
    return [(error["code"], error["field"]) for error in payload["errors"]]


def token(ask: Ask, owner: FlaskClient, *scopes: str) -> str:
    made = ask(owner, CREATE, input={"name": "shop", "scopes": list(scopes)})["data"]["createApiToken"]
    assert made["errors"] == []
    return str(made["secret"])


def test_whoever_registers_is_signed_in(client: FlaskClient, ask: Ask) -> None:
    answer = ask(client, REGISTER, input={"username": "Alice", "password": PASSWORD, "displayName": " Alice  of W. "})["data"]["register"]
    assert answer["errors"] == []
    assert answer["viewer"]["user"]["username"] == "alice"
    assert answer["viewer"]["user"]["displayName"] == "Alice of W."
    assert answer["viewer"]["wallet"]["balance"] == {"amount": "1000.00"}
    assert ask(client, WHO)["data"]["viewer"]["user"]["username"] == "alice"


def test_the_login_cookie_is_out_of_reach_of_scripts_and_other_sites(database: Database) -> None:
    app = create_app(load_settings({"DATABASE_URL": database.app_url}))
    client = app.test_client()
    response = client.post("/graphql", json={"query": REGISTER, "variables": {"input": {"username": "alice", "password": PASSWORD}}})
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-login=")
    for part in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=86400"):
        assert part in cookie
    app.extensions["wave"].disconnect()


def test_bug_only_the_first_graphql_error_was_shown(client: FlaskClient, ask: Ask, database: Database) -> None:
    given = {"username": "a b", "password": "short", "displayName": "\x07"}
    answer = ask(client, REGISTER, input=given)["data"]["register"]
    assert answer["viewer"] is None
    assert sorted(codes(answer)) == [
        ("INVALID_INPUT", ["displayName"]), ("INVALID_PASSWORD", ["password"]), ("INVALID_USERNAME", ["username"]),
    ]
    assert all(error["message"] for error in answer["errors"])
    assert database.execute("SELECT count(*) FROM users") == [(0,)]


def test_a_taken_name_and_a_bad_password_are_told_at_once(client: FlaskClient, browser: Browsers, ask: Ask) -> None:
    browser("alice")
    answer = ask(client, REGISTER, input={"username": "ALICE", "password": "alice"})["data"]["register"]
    assert codes(answer) == [("USERNAME_TAKEN", ["username"]), ("INVALID_PASSWORD", ["password"])]


def test_the_operators_badge_is_told_of_everybody_who_is_shown(
    client: FlaskClient, browser: Browsers, ask: Ask, database: Database
) -> None:
    alice, desk = browser("alice"), browser("desk")
    by_token = token(ask, alice, "READ", "PAY")
    database.execute("UPDATE users SET is_operator = true WHERE username = 'desk'")
    seen = "{ username isOperator }"
    alices, desks = {"username": "alice", "isOperator": False}, {"username": "desk", "isOperator": True}
    assert ask(client, f"{{ users {{ nodes {seen} }} }}")["data"]["users"]["nodes"] == [alices, desks]
    assert ask(client, f'{{ user(username: "desk") {seen} }}')["data"]["user"] == desks
    assert ask(desk, f"{{ viewer {{ user {seen} }} }}")["data"]["viewer"]["user"] == desks

    paid = f"mutation ($input: SendPaymentInput!) {{ sendPayment(input: $input) {{ payment {{ payer {seen} payee {seen} }} }} }}"
    history = f"{{ viewer {{ user {seen} wallet {{ payments {{ nodes {{ payer {seen} payee {seen} }} }} }} }} }}"
    both = {"payer": alices, "payee": desks}
    # By the page's way and by the short one, which settles payments together.
    for asks, way in ((alice, None), (client, by_token)):
        given = {"idempotencyKey": str(uuid4()), "to": "desk", "amount": "1.00"}
        assert ask(asks, paid, token=way, input=given)["data"]["sendPayment"]["payment"] == both
        answer = ask(asks, history, token=way)["data"]["viewer"]
        assert (answer["user"], answer["wallet"]["payments"]["nodes"][0]) == (alices, both)


ODD_USERNAMES: list[object] = [
    "", " ", "ab", "a" * 33, "1abc", "-abc", "a b", "al\u200bice", "@@alice", "ali/ce", "\u0430lice", "\u212aate", "alice\x00", "admin",
    5, True, ["alice"], {"name": "alice"},
]


def test_bug_blank_or_odd_usernames(client: FlaskClient, ask: Ask) -> None:
    for username in ODD_USERNAMES:
        answer = ask(client, REGISTER, input={"username": username, "password": PASSWORD})["data"]["register"]
        assert codes(answer) == [("INVALID_USERNAME", ["username"])], username
        assert client.get_cookie("login") is None


def test_a_proper_username_is_accepted(client: FlaskClient, ask: Ask) -> None:
    for username in ("abc", "a" * 32, "a_b-9"):
        assert ask(client, REGISTER, input={"username": username, "password": PASSWORD})["data"]["register"]["errors"] == []


def test_a_missing_username_has_the_code_of_a_wrong_one(client: FlaskClient, ask: Ask) -> None:
    for given in ({"username": None, "password": PASSWORD}, {"password": PASSWORD}):
        error = ask(client, REGISTER, 400, input=given)["errors"][0]
        assert error["extensions"]["code"] == "INVALID_USERNAME"


def test_bug_passwords_were_lower_cased(client: FlaskClient, ask: Ask) -> None:
    ask(client, REGISTER, input={"username": "alice", "password": "A Long Test PHRASE"})
    for wrong in ("a long test phrase", "A LONG TEST PHRASE"):
        assert codes(ask(client, LOG_IN, input={"username": "alice", "password": wrong})["data"]["logIn"]) == [
            ("WRONG_CREDENTIALS", ["password"]),
        ]
    right = ask(client, LOG_IN, input={"username": "alice", "password": "A Long Test PHRASE"})["data"]["logIn"]
    assert right == {"viewer": {"user": {"username": "alice"}}, "errors": []}


def test_an_unknown_name_a_wrong_password_and_a_name_that_cannot_be_read_the_same(client: FlaskClient, browser: Browsers, ask: Ask) -> None:
    browser("alice")
    answers = [
        ask(client, LOG_IN, input={"username": name, "password": password})
        for name, password in (("alice", "wrong"), ("nobody-here", PASSWORD), ("a b", PASSWORD), (5, ""), ("alice", "x\x00y"))
    ]
    assert all(answer == answers[0] for answer in answers)
    assert codes(answers[0]["data"]["logIn"]) == [("WRONG_CREDENTIALS", ["password"])]


def test_the_name_is_folded_at_login(client: FlaskClient, browser: Browsers, ask: Ask) -> None:
    browser("alice")
    ask(client, LOG_IN, input={"username": "ALICE", "password": PASSWORD})
    assert ask(client, WHO)["data"]["viewer"]["user"]["username"] == "alice"


def test_a_login_is_new_each_time(browser: Browsers, ask: Ask) -> None:
    alice = browser("alice")
    before = alice.get_cookie("login")
    ask(alice, LOG_IN, input={"username": "alice", "password": PASSWORD})
    after = alice.get_cookie("login")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    alice.set_cookie("login", before.value)
    assert ask(alice, WHO) == {"data": {"viewer": None}}


def test_logging_out_ends_the_login_and_takes_the_cookie(browser: Browsers, ask: Ask, database: Database) -> None:
    alice = browser("alice")
    cookie = alice.get_cookie("login")
    assert cookie is not None
    assert ask(alice, LOG_OUT)["data"]["logOut"] == {"done": True, "errors": []}
    assert alice.get_cookie("login") is None
    assert database.execute("SELECT count(*) FROM logins") == [(0,)]
    alice.set_cookie("login", cookie.value)
    assert ask(alice, WHO) == {"data": {"viewer": None}}


def test_whoever_is_not_signed_in_is_logged_out_already(client: FlaskClient, ask: Ask) -> None:
    client.set_cookie("login", "an old one")
    assert ask(client, LOG_OUT)["data"]["logOut"]["done"] is True
    assert client.get_cookie("login") is None


def test_a_token_is_shown_once_and_works_until_it_is_revoked(browser: Browsers, client: FlaskClient, ask: Ask) -> None:
    alice = browser("alice")
    made = ask(alice, CREATE, input={"name": "till", "scopes": ["READ"]})["data"]["createApiToken"]
    assert made["secret"].startswith("wave_")
    assert (made["apiToken"]["name"], made["apiToken"]["scopes"], made["apiToken"]["lastUsedAt"]) == ("till", ["READ"], None)
    assert ask(client, WHO, token=made["secret"])["data"]["viewer"]["user"]["username"] == "alice"
    listed = ask(alice, "{ viewer { apiTokens { id name lastUsedAt } } }")["data"]["viewer"]["apiTokens"]
    assert [each["name"] for each in listed] == ["till"]
    assert listed[0]["lastUsedAt"] is not None
    assert ask(alice, REVOKE_TOKEN, id=made["apiToken"]["id"])["data"]["revokeApiToken"] == {"done": True, "errors": []}
    ask(client, WHO, 401, token=made["secret"])


@pytest.mark.parametrize(("name", "scopes", "field"), [("", ["READ"], "name"), ("x" * 65, ["READ"], "name"), ("till", [], "scopes")])
def test_a_token_needs_a_name_and_a_scope(browser: Browsers, ask: Ask, name: str, scopes: list[str], field: str) -> None:
    answer = ask(browser("alice"), CREATE, input={"name": name, "scopes": scopes})["data"]["createApiToken"]
    assert answer == {"apiToken": None, "secret": None, "errors": [{"code": "INVALID_INPUT", "field": [field]}]}


def test_all_that_is_wrong_with_a_token_is_told_at_once(browser: Browsers, ask: Ask) -> None:
    answer = ask(browser("alice"), CREATE, input={"name": " ", "scopes": []})["data"]["createApiToken"]
    assert codes(answer) == [("INVALID_INPUT", ["name"]), ("INVALID_INPUT", ["scopes"])]


def test_what_a_token_may_not_do_is_forbidden(browser: Browsers, client: FlaskClient, ask: Ask) -> None:
    alice, _ = browser("alice"), browser("bob")
    reads, pays = token(ask, alice, "READ"), token(ask, alice, "PAY")
    payment = {"idempotencyKey": str(uuid4()), "to": "bob", "amount": "1.00"}
    assert codes(ask(client, SEND, token=reads, input=payment)["data"]["sendPayment"]) == [("FORBIDDEN", None)]
    for query in (BALANCE, "{ viewer { logins { id } } }", "{ viewer { apiTokens { id } } }"):
        answer = ask(client, query, token=pays)
        assert answer["data"] == {"viewer": None}
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    paid = ask(client, SEND, token=pays, input=payment)["data"]["sendPayment"]
    assert (paid["payment"]["amount"], paid["payment"]["balanceAfter"]) == ({"amount": "1.00"}, None)
    assert ask(client, "{ viewer { logins { current } wallet { balance { amount } } } }", token=reads)["data"]["viewer"] == {
        "logins": [{"current": False}], "wallet": {"balance": {"amount": "999.00"}},
    }


def test_a_token_cannot_make_itself_permanent(browser: Browsers, client: FlaskClient, ask: Ask) -> None:
    secret = token(ask, browser("alice"), "READ", "PAY")
    change = {"currentPassword": PASSWORD, "newPassword": "another quite long phrase"}
    for query, variables in (
        (CREATE, {"input": {"name": "more", "scopes": ["READ"]}}), (CHANGE, {"input": change}), (LOG_OUT, {}),
        (REVOKE_TOKEN, {"id": str(uuid4())}), (REVOKE_LOGIN, {"id": str(uuid4())}),
    ):
        (payload,) = ask(client, query, token=secret, **variables)["data"].values()
        assert [error["code"] for error in payload["errors"]] == ["FORBIDDEN"]


def test_a_login_is_listed_and_revoked_by_its_owner_alone(browser: Browsers, ask: Ask) -> None:
    here, there, bob = browser("alice"), browser("alice"), browser("bob")
    logins = ask(here, "{ viewer { logins { id current } } }")["data"]["viewer"]["logins"]
    (other,) = [each["id"] for each in logins if not each["current"]]
    (own,) = [each["id"] for each in logins if each["current"]]
    missing = ask(bob, REVOKE_LOGIN, id=str(uuid4()))
    assert ask(bob, REVOKE_LOGIN, id=other) == missing
    assert codes(missing["data"]["revokeLogin"]) == [("NOT_FOUND", None)]
    assert ask(here, REVOKE_LOGIN, id=other)["data"]["revokeLogin"]["done"] is True
    assert ask(there, WHO)["data"]["viewer"] is None
    assert here.get_cookie("login") is not None
    assert ask(here, REVOKE_LOGIN, id=own)["data"]["revokeLogin"]["done"] is True
    assert here.get_cookie("login") is None


def test_a_foreign_token_is_revoked_no_more_than_a_missing_one(browser: Browsers, ask: Ask) -> None:
    alice, bob = browser("alice"), browser("bob")
    token_id = ask(alice, CREATE, input={"name": "till", "scopes": ["READ"]})["data"]["createApiToken"]["apiToken"]["id"]
    assert ask(bob, REVOKE_TOKEN, id=token_id) == ask(bob, REVOKE_TOKEN, id=str(uuid4()))
    assert len(ask(alice, "{ viewer { apiTokens { id } } }")["data"]["viewer"]["apiTokens"]) == 1


@pytest.mark.parametrize("query", [REVOKE_LOGIN, REVOKE_TOKEN])
def test_an_id_that_is_none_is_told_as_data(browser: Browsers, ask: Ask, query: str) -> None:
    (payload,) = ask(browser("alice"), query, id="x")["data"].values()
    assert payload == {"done": False, "errors": [{"code": "INVALID_INPUT", "field": ["id"]}]}


@pytest.mark.parametrize(("query", "variables"), [
    (CHANGE, {"input": {"currentPassword": "x", "newPassword": "y"}}),
    (CREATE, {"input": {"name": "till", "scopes": ["READ"]}}),
    (REVOKE_TOKEN, {"id": "5d3c9a71-e84b-4f26-9b0d-000000000001"}),
    (REVOKE_LOGIN, {"id": "5d3c9a71-e84b-4f26-9b0d-000000000001"}),
    (SEND, {"input": {"idempotencyKey": "x", "to": "y", "amount": "z"}}),
])
def test_whoever_is_not_signed_in_is_told_so_as_data(client: FlaskClient, ask: Ask, query: str, variables: dict[str, Any]) -> None:
    (payload,) = ask(client, query, **variables)["data"].values()
    assert codes(payload) == [("UNAUTHENTICATED", None)]
