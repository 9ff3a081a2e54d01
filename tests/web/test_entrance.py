"""Registering, logging in and out, and where one goes then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.web.safe_redirect import local_path
from tests.web.documents import balance, get, location, page

if TYPE_CHECKING:
    from flask.testing import FlaskClient

PASSWORD = "a long test phrase"


def test_registering_signs_in_and_gives_the_opening_balance(client: FlaskClient) -> None:
    answer = client.post("/register", data={"username": "Alice", "password": PASSWORD, "display_name": "Alice A."})

    assert location(answer) == "/wallet"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert balance(client) == "£1,000.00"
    assert get(client, "/").heading == "Hello, Alice A."


def test_a_refused_registration_keeps_what_was_entered_but_never_the_password(client: FlaskClient) -> None:
    answer = client.post("/register", data={"username": "a b", "password": "a secret of mine", "display_name": '"><b>'})

    shown = page(answer, 422)
    assert shown.value("username") == "a b"
    assert shown.value("display_name") == '"><b>'
    assert "a secret of mine" not in answer.text
    wrong = shown.one("input", id="username")
    assert wrong.attributes["aria-invalid"] == "true"
    assert "username-problem" in (wrong.attributes["aria-describedby"] or "")


def test_a_taken_name_is_refused_and_the_other_persons_account_stays(client: FlaskClient, browser: Any) -> None:
    browser("alice")

    shown = page(client.post("/register", data={"username": "ALICE", "password": "another long phrase"}), 409)

    assert shown.problems() == {"username": "That username is taken. Choose another."}


def test_logging_in_goes_to_the_page_one_asked_for(client: FlaskClient, browser: Any) -> None:
    browser("alice")
    asked = location(client.get("/pay?to=bob&amount=1"))
    assert asked == "/login?next=/pay?to%3Dbob%26amount%3D1"
    form = get(client, asked)

    answer = client.post("/login", data={"username": " Alice ", "password": PASSWORD, "next": form.hidden("next")})

    assert location(answer) == "/pay?to=bob&amount=1"
    assert get(client, "/pay?to=bob&amount=1").value("amount") == "1"


@pytest.mark.parametrize("foreign", [
    "https://other.example", "//other.example", "/\\other.example", "\\\\other.example", "/\t/other.example", "/\n/other.example",
    "javascript:alert(1)", "wallet", "", " /wallet", "/wallet\r\nSet-Cookie: a=b", "/" + "x" * 1024, "/é",
])
def test_logging_in_never_leads_to_another_site(client: FlaskClient, browser: Any, foreign: str) -> None:
    browser("alice")

    answer = client.post("/login", data={"username": "alice", "password": PASSWORD, "next": foreign})

    assert location(answer) == "/wallet"
    assert local_path(foreign) is None


@pytest.mark.parametrize("own", ["/", "/wallet", "/pay?to=bob&amount=1.00", "/wallet?text=%2F%2Fx", "/x//y"])
def test_a_path_of_ours_is_one(own: str) -> None:
    assert local_path(own) == own


def test_an_unknown_username_and_a_wrong_password_have_the_same_message(client: FlaskClient, browser: Any) -> None:
    browser("alice")

    unknown = page(client.post("/login", data={"username": "nobody1", "password": PASSWORD}), 401)
    wrong = page(client.post("/login", data={"username": "alice", "password": "not her phrase"}), 401)

    assert unknown.problems() == wrong.problems() == {"password": "The username or the password is not right. Check both and try again."}
    assert client.get_cookie("login") is None


def test_logging_out_ends_the_login_itself(browser: Any) -> None:
    alice = browser("alice")
    token = alice.get_cookie("login").value

    assert location(alice.post("/logout")) == "/"
    assert alice.get_cookie("login") is None
    alice.set_cookie("login", token)
    assert location(alice.get("/wallet")) == "/login?next=/wallet"
    assert alice.get_cookie("login") is None, "a cookie that opens nothing is taken away"
    assert location(alice.post("/logout")) == "/"


def test_a_new_login_ends_the_one_before_in_this_browser(browser: Any) -> None:
    alice = browser("alice")
    before = alice.get_cookie("login").value

    assert location(alice.post("/login", data={"username": "alice", "password": PASSWORD})) == "/wallet"

    after = alice.get_cookie("login").value
    alice.set_cookie("login", before)
    assert alice.get("/wallet").status_code == 303
    alice.set_cookie("login", after)
    assert alice.get("/wallet").status_code == 200


def test_who_is_signed_in_has_no_use_for_the_forms(browser: Any) -> None:
    alice = browser("alice")

    assert location(alice.get("/login?next=/account")) == "/account"
    assert location(alice.get("/register")) == "/wallet"


def test_another_sites_form_is_refused(browser: Any) -> None:
    alice = browser("alice")

    for headers in ({"Origin": "https://other.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert page(alice.post("/account/name", data={"display_name": "x"}, headers=headers), 403).heading == "This is not allowed"


def test_an_api_token_opens_no_page(client: FlaskClient, browser: Any) -> None:
    shown = page(browser("alice").post("/account/tokens", data={"name": "till", "scopes": ["READ", "PAY"]}))
    secret = next(each.text for each in shown.all("code") if each.text.startswith("wave_"))

    for path in ("/wallet", "/account", "/"):
        assert client.get(path, headers={"Authorization": f"Bearer {secret}"}).status_code == 403
    assert location(client.get("/wallet", headers={"Authorization": "Bearer wave_x"})) == "/login?next=/wallet"
