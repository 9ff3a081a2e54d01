"""The operator's badge stands beside the name wherever a person is shown, and beside nobody else's."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from app import identity
from app.database import transact
from tests.web.documents import Document, get, page, pay, words
from tests.web.test_structure import TEMPLATES, WEB

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from app.database import Sessions

# Where a template writes a name itself: where the mark could not stand, or stands right after it.
WRITTEN_OUT = {
    "account.html": ['form.value("display_name", viewer.display_name)'],
    "home.html": ['"Hello, " ~ viewer.display_name'],
    "parts/person.html": ["person.display_name | initials", *["person.display_name"] * 3],
    "person.html": ["person.display_name", "person.display_name"],
}
WRITES_A_NAME = r'form\.value\("display_name", [\w.]+\)|"Hello, " ~ [\w.]+|\w+\.\w*display_name(?: \| initials)?'


def marks(shown: Document) -> list[str]:
    return [words(each.text) for each in shown.all("span", class_="operator-mark")]


def test_the_badge_is_beside_the_operators_name_on_every_page_and_beside_no_other(
    client: FlaskClient, browser: Any, sessions: Sessions
) -> None:
    alice, desk = browser("alice"), browser("desk")
    browser("bob")
    transact(sessions, lambda session: identity.grant_operator_badge(session, username="desk"))
    told = "Operator of this wallet"
    to_desk, to_bob, from_desk = pay(alice, "desk", "1", "one"), pay(alice, "bob", "2", "two"), pay(desk, "alice", "3", "three")
    key = get(alice, "/pay").hidden("idempotency_key")
    confirmation = page(alice.post("/pay", data={"to": "desk", "amount": "1", "idempotency_key": key}))

    assert marks(get(client, "/")) == [told]
    assert marks(get(client, "/users/desk")) == [told]
    assert get(client, "/users/desk").heading == "Desk Operator of this wallet"
    assert marks(get(client, "/users/bob")) == []
    assert marks(get(alice, "/pay")) == [told]
    assert marks(confirmation) == [told]
    assert marks(get(alice, to_desk)) == [told]
    assert marks(get(alice, to_bob)) == []
    # Their payment can be given back: the name stands in the receipt and above that form.
    assert marks(get(alice, from_desk)) == [told, told]
    # Two of the three payments of her history.
    assert marks(get(alice, "/wallet")) == [told, told]
    # Of the operator's own pages: whose wallet and account it is, and beside nobody else in the history.
    assert marks(get(desk, "/wallet")) == [told]
    assert marks(get(desk, "/account")) == [told]
    found = alice.get("/people.json?search=desk").json
    assert found == [{"username": "desk", "displayName": "Desk", "isOperator": True}]
    assert [each.text for each in get(alice, "/pay").all("option")] == ["Bob", "Desk (operator)"]


def test_a_file_of_payments_shows_it_too(browser: Any, sessions: Sessions) -> None:
    alice = browser("alice")
    for name in ("bob", "desk"):
        browser(name)
    transact(sessions, lambda session: identity.grant_operator_badge(session, username="desk"))
    file = (io.BytesIO(b"username,amount,memo\nbob,1.00,\ndesk,2.00,\n"), "payments.csv")
    form = {"idempotency_key": get(alice, "/payout").hidden("idempotency_key"), "file": file}
    shown = page(alice.post("/payout/check", data=form, content_type="multipart/form-data"))
    assert marks(shown) == ["Operator of this wallet"]


def test_a_name_is_written_by_the_macros_that_show_the_mark() -> None:
    found: dict[str, list[str]] = {}
    for path in TEMPLATES:
        text = path.read_text(encoding="utf-8")
        written = re.findall(WRITES_A_NAME, text)
        if written:
            found[str(path.relative_to(WEB / "templates"))] = written
    assert found == WRITTEN_OUT
