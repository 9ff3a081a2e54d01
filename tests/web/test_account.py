"""The account page: name, password, logins, tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.web.documents import get, location, page, words

if TYPE_CHECKING:
    from flask.testing import FlaskClient

PASSWORD = "a long test phrase"
NEW_PASSWORD = "quite another phrase"


def test_another_display_name_shows_everywhere(browser: Any, client: FlaskClient) -> None:
    alice = browser("alice")

    done = location(alice.post("/account/name", data={"display_name": "  Ada   Lovelace "}))

    assert "Your display name is changed." in get(alice, done).text
    assert get(client, "/users/alice").heading == "Ada Lovelace"


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "ev\u202eil", "a\x07b"])
def test_a_display_name_that_cannot_be_read_is_refused_and_kept_in_the_form(browser: Any, name: str) -> None:
    shown = page(browser("alice").post("/account/name", data={"display_name": name}), 422)

    assert list(shown.problems()) == ["display_name"]
    assert shown.value("display_name") == name


def test_changing_the_password_ends_all_other_logins(browser: Any, client: FlaskClient) -> None:
    here, elsewhere = browser("alice"), browser("alice")

    done = location(here.post("/account/password", data={"current_password": PASSWORD, "new_password": NEW_PASSWORD}))

    assert "Your password is changed." in get(here, done).text
    assert location(elsewhere.get("/wallet")) == "/login?next=/wallet"
    assert client.post("/login", data={"username": "alice", "password": PASSWORD}).status_code == 401
    assert location(client.post("/login", data={"username": "alice", "password": NEW_PASSWORD})) == "/wallet"


def test_changing_the_password_gives_the_browser_a_new_token_and_the_old_one_opens_nothing(browser: Any, client: FlaskClient) -> None:
    here = browser("alice")
    before = here.get_cookie("login")

    here.post("/account/password", data={"current_password": "wrong", "new_password": NEW_PASSWORD})
    assert here.get_cookie("login").value == before.value
    here.post("/account/password", data={"current_password": PASSWORD, "new_password": NEW_PASSWORD})

    assert here.get_cookie("login").value != before.value
    assert here.get("/wallet").status_code == 200
    client.set_cookie("login", before.value)
    assert location(client.get("/wallet")) == "/login?next=/wallet"


@pytest.mark.parametrize(("count", "told"), [(1, "Your API token stays valid"), (2, "Your 2 API tokens stay valid")])
def test_changing_the_password_tells_of_the_tokens_that_stay_valid(browser: Any, count: int, told: str) -> None:
    alice = browser("alice")
    for _ in range(count):
        alice.post("/account/tokens", data={"name": "till", "scopes": "READ"})

    done = location(alice.post("/account/password", data={"current_password": PASSWORD, "new_password": NEW_PASSWORD}))

    shown = get(alice, done)
    assert told in words(shown.one("p", role="status").text)
    assert [each.text for each in shown.all("a", href="#tokens-title")] == ["revoke what somebody else may know"]


def test_changing_the_password_revokes_all_tokens_when_told_to(browser: Any) -> None:
    alice = browser("alice")
    assert get(alice, "/account").all("input", id="revoke_tokens") == []
    alice.post("/account/tokens", data={"name": "kiosk", "scopes": "READ"})
    assert len(get(alice, "/account").all("input", id="revoke_tokens")) == 1

    sent = {"current_password": "wrong", "new_password": NEW_PASSWORD, "revoke_tokens": "yes"}
    refused = page(alice.post("/account/password", data=sent), 401)
    assert "checked" in refused.one("input", id="revoke_tokens").attributes
    assert "kiosk" in refused.text
    done = location(alice.post("/account/password", data={**sent, "current_password": PASSWORD}))

    assert "no API token opens anything" in get(alice, done).text
    assert "kiosk" not in get(alice, "/account").one("section", aria_labelledby="tokens-title").text


def test_a_refused_password_change_says_all_that_is_wrong_and_changes_nothing(browser: Any, client: FlaskClient) -> None:
    alice = browser("alice")

    both = page(alice.post("/account/password", data={"current_password": "wrong", "new_password": "short"}), 401)
    weak = page(alice.post("/account/password", data={"current_password": PASSWORD, "new_password": "password1234"}), 422)

    assert list(both.problems()) == ["current_password", "new_password"]
    assert list(weak.problems()) == ["new_password"]
    assert both.one("input", id="new_password").attributes.get("value") is None
    assert location(client.post("/login", data={"username": "alice", "password": PASSWORD})) == "/wallet"


def test_a_login_is_revoked_by_its_owner(browser: Any) -> None:
    here, elsewhere = browser("alice"), browser("alice")
    actions = [action for each in get(here, "/account").all("form") if "/logins/" in (action := each.attributes["action"] or "")]
    assert len(actions) == 2

    other = actions[1]  # newest first: elsewhere's is the first
    assert location(elsewhere.post(other)) == "/account?done=login"
    assert here.get("/wallet").status_code == 303
    assert elsewhere.get("/wallet").status_code == 200
    assert location(elsewhere.post(actions[0])) == "/"
    assert elsewhere.get_cookie("login") is None


def test_another_persons_login_and_token_answer_as_missing_ones(browser: Any) -> None:
    alice, bob = browser("alice"), browser("bob")
    page(alice.post("/account/tokens", data={"name": "till", "scopes": "READ"}))
    actions = [each.attributes["action"] or "" for each in get(alice, "/account").all("form")]

    for action in actions:
        if action.endswith(("/end", "/revoke")):
            assert bob.post(action).status_code == 404
    assert "till" in get(alice, "/account").text


def test_a_token_is_shown_once_and_can_be_revoked(browser: Any) -> None:
    alice = browser("alice")

    answer = alice.post("/account/tokens", data={"name": "Till in the shop", "scopes": ["READ", "PAY"]})

    secret = next(each.text for each in page(answer).all("code") if each.text.startswith("wave_"))
    assert answer.headers["Cache-Control"] == "no-store"
    shown = get(alice, "/account")
    assert secret not in alice.get("/account").text
    assert "Till in the shop" in shown.text
    revoke = next(each.attributes["action"] or "" for each in shown.all("form") if (each.attributes["action"] or "").endswith("/revoke"))
    assert location(alice.post(revoke)) == "/account?done=token"
    assert "Till in the shop" not in get(alice, "/account").text


@pytest.mark.parametrize(("sent", "problems"), [
    ({"name": "", "scopes": ["READ"]}, ["name"]),
    ({"name": "till"}, ["scopes"]),
    ({"name": "till", "scopes": ["READ", "ALL"]}, ["scopes"]),
    ({"name": "x" * 65}, ["scopes", "name"]),
])
def test_a_token_needs_a_name_and_something_to_do(browser: Any, sent: dict[str, Any], problems: list[str]) -> None:
    shown = page(browser("alice").post("/account/tokens", data=sent), 422)

    assert list(shown.problems()) == problems


def test_a_made_up_confirmation_shows_nothing(browser: Any) -> None:
    assert "owned" not in words(get(browser("alice"), "/account?done=You+are+owned").text)


def test_a_token_needs_the_password_when_the_login_is_a_while_ago(browser: Any, database: Any) -> None:
    alice = browser("alice")
    assert not get(alice, "/account").all("input", id="token_password")
    database.execute("UPDATE logins SET created_at = now() - interval '300 seconds'")
    assert get(alice, "/account").one("input", id="token_password").attributes["type"] == "password"

    sent = {"name": "till", "scopes": "READ"}
    without = page(alice.post("/account/tokens", data=sent), 401)
    assert without.problems() == {"token_password": "Give your password again: it is a while ago that you logged in."}
    assert without.value("name") == "till"
    wrong = page(alice.post("/account/tokens", data={**sent, "token_password": "wrong", "name": ""}), 401)
    assert wrong.problems().keys() == {"token_password", "name"}
    assert wrong.value("token_password") == ""
    page(alice.post("/account/tokens", data={**sent, "token_password": PASSWORD}))
    assert database.execute("SELECT count(*) FROM api_tokens") == [(1,)]
