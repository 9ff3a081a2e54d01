"""The home page: people, search, paging, and the line that the books balance."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app import create_app
from tests.web.documents import Document, get, words

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from app.settings import Settings


def handles(shown: Document) -> list[str]:
    return [words(each.text).removeprefix("@") for each in shown.all("span", class_="handle")]


def test_the_first_visitor_is_told_that_nobody_is_here_yet(client: FlaskClient) -> None:
    shown = get(client, "/")

    assert "Nobody is here yet" in shown.text
    assert "The books balance. £0.00 issued = £0.00 held by people." in shown.text


def test_people_are_tiles_with_initials_on_a_colour_of_their_own(client: FlaskClient, browser: Any) -> None:
    browser("alice")
    browser("bob")

    shown = get(client, "/")

    assert handles(shown) == ["alice", "bob"]
    assert [each.attributes["href"] for each in shown.all("a", class_="tile")] == ["/users/alice", "/users/bob"]
    badges = [each for each in shown.all("span") if (each.attributes.get("class") or "").startswith("badge colour-")]
    assert [each.text for each in badges] == ["A", "B"]
    assert "£2,000.00 issued = £2,000.00 held by people." in shown.text


def test_books_that_do_not_balance_are_not_called_balanced(client: FlaskClient, browser: Any, database: Any) -> None:
    browser("alice")
    database.execute("SET session_replication_role = replica; UPDATE ledger.accounts SET balance = balance + 1 WHERE kind = 'wallet'")

    shown = get(client, "/")

    assert "The books do not balance." in shown.text
    assert "£1,000.00 issued = £1,000.01 held" not in shown.text
    assert "£1,000.00 issued, but £1,000.01 held" in shown.text


def test_people_are_found_by_name_and_handle(client: FlaskClient, browser: Any) -> None:
    browser("alice")
    browser("malik")
    browser("bob")

    assert handles(get(client, "/?search=ALI")) == ["alice", "malik"]
    refused = get(client, "/?search=ali%00", 422)
    assert refused.problems() == {"search": "The search holds a character that does not show (U+0000). Type it again."}
    assert handles(refused) == ["alice", "bob", "malik"]
    assert "Nobody here is called that." in get(client, "/?search=%25").text


def test_many_people_are_paged(client: FlaskClient, browser: Any) -> None:
    everyone = [f"person-{number:02}" for number in range(25)]
    for name in everyone:
        browser(name)

    first = get(client, "/")
    more = next(each.attributes["href"] or "" for each in first.all("a") if words(each.text) == "More people")

    assert handles(first) + handles(get(client, more)) == everyone
    assert len(handles(get(client, "/?after=%00"))) == 24


def test_a_private_list_is_for_people_alone(settings: Settings, browser: Any) -> None:
    token = browser("alice").get_cookie("login").value
    app = create_app(replace(settings, user_list_public=False))
    stranger, alice = app.test_client(), app.test_client()
    alice.set_cookie("login", token)

    assert "alice" not in stranger.get("/").text
    assert handles(get(alice, "/")) == ["alice"]
    app.extensions["wave"].disconnect()
