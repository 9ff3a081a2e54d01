"""Parts of a page that are rendered once for the same values: current, escaped, and without what a person entered."""

from __future__ import annotations

from typing import Any

from app.web.templating import _kept_part, _kept_part_of_person
from tests.web.documents import get, page

PAGES = ("/", "/wallet", "/pay")


def rendered_parts() -> int:
    return _kept_part.cache_info().misses + _kept_part_of_person.cache_info().misses


def test_a_second_look_at_a_page_renders_no_part_again(browser: Any) -> None:
    alice = browser("alice")
    browser("bob")
    for path in PAGES:
        get(alice, path)
    rendered = rendered_parts()
    assert [get(alice, path).heading for path in PAGES] == ["Hello, Alice", "Your wallet", "Pay someone"]
    assert rendered_parts() == rendered


def test_what_a_person_entered_is_not_kept(browser: Any) -> None:
    alice = browser("alice")
    key = get(alice, "/pay").hidden("idempotency_key")

    def refused(memo: str) -> str:
        return page(alice.post("/pay", data={"to": "nobody", "amount": "much", "memo": memo, "idempotency_key": key}), 404).value("memo")

    assert refused("first") == "first"
    kept = _kept_part.cache_info().currsize
    assert refused("second") == "second"
    assert _kept_part.cache_info().currsize == kept


def test_a_new_name_is_shown_at_once_and_escaped(browser: Any) -> None:
    alice, bob = browser("alice"), browser("bob")
    assert "Alice" in bob.get("/").text
    alice.post("/account/name", data={"display_name": "A <b> & co"})
    shown = bob.get("/").text
    assert "A &lt;b&gt; &amp; co" in shown
    assert "Alice" not in shown
    assert "<b>" not in shown
