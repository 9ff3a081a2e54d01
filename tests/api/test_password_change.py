"""Changing the password over GraphQL: what ends by it, what goes on, and what it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.conftest import LOG_IN
from tests.api.test_people import CHANGE, WHO, codes, token
from tests.conftest import PASSWORD

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.api.conftest import Ask
    from tests.conftest import Browsers

def test_a_changed_password_gives_the_login_a_new_token_and_the_old_one_opens_nothing(
    browser: Browsers, ask: Ask, client: FlaskClient
) -> None:
    alice = browser("alice")
    before = alice.get_cookie("login")
    assert before is not None
    given = {"currentPassword": PASSWORD, "newPassword": "another quite long phrase"}
    ask(alice, CHANGE, input={**given, "currentPassword": "wrong"})
    assert alice.get_cookie("login") == before
    ask(alice, CHANGE, input=given)
    after = alice.get_cookie("login")
    assert after is not None
    assert after.value != before.value
    assert ask(alice, WHO)["data"]["viewer"] is not None
    client.set_cookie("login", before.value)
    assert ask(client, WHO)["data"]["viewer"] is None


@pytest.mark.parametrize(("wanted", "left"), [(None, 2), (False, 2), (True, 0)])
def test_a_changed_password_ends_all_tokens_when_told_to(
    browser: Browsers, ask: Ask, client: FlaskClient, wanted: bool | None, left: int  # noqa: FBT001 - as the field has it
) -> None:
    alice, bob = browser("alice"), browser("bob")
    mine, theirs = [token(ask, alice, "READ") for _ in range(2)], token(ask, bob, "READ")
    more = {} if wanted is None else {"revokeApiTokens": wanted}
    given = {"currentPassword": PASSWORD, "newPassword": "another quite long phrase", **more}
    ask(alice, CHANGE, input={**given, "currentPassword": "wrong"})
    assert all(ask(client, WHO, token=each)["data"]["viewer"] for each in mine)
    assert ask(alice, CHANGE, input=given)["data"]["changePassword"] == {"done": True, "errors": []}
    assert [ask(client, WHO, token=each, status=200 if left else 401).get("data") is not None for each in mine] == [left == 2] * 2
    assert ask(client, WHO, token=theirs)["data"]["viewer"] is not None


def test_a_changed_password_ends_the_other_logins(browser: Browsers, ask: Ask, client: FlaskClient) -> None:
    here, there = browser("alice"), browser("alice")
    given = {"currentPassword": PASSWORD, "newPassword": "another quite long phrase"}
    assert ask(here, CHANGE, input=given)["data"]["changePassword"] == {"done": True, "errors": []}
    assert ask(here, WHO)["data"]["viewer"] is not None
    assert ask(there, WHO)["data"]["viewer"] is None
    assert codes(ask(client, LOG_IN, input={"username": "alice", "password": PASSWORD})["data"]["logIn"]) != []
    assert codes(ask(client, LOG_IN, input={"username": "alice", "password": "another quite long phrase"})["data"]["logIn"]) == []


@pytest.mark.parametrize(("current", "new", "expected"), [
    ("wrong", "another quite long phrase", [("WRONG_CREDENTIALS", ["currentPassword"])]),
    (PASSWORD, "short", [("INVALID_PASSWORD", ["newPassword"])]),
    ("wrong", "short", [("WRONG_CREDENTIALS", ["currentPassword"]), ("INVALID_PASSWORD", ["newPassword"])]),
])
def test_all_that_is_wrong_with_a_change_of_password_is_told(
    browser: Browsers, ask: Ask, current: str, new: str, expected: list[tuple[str, list[str]]]
) -> None:
    here, there = browser("alice"), browser("alice")
    answer = ask(here, CHANGE, input={"currentPassword": current, "newPassword": new})["data"]["changePassword"]
    assert answer["done"] is False
    assert codes(answer) == expected
    assert ask(there, WHO)["data"]["viewer"] is not None
