"""The shape that every page and route has."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app import web
from app.database import transact
from app.identity import Scope, create_api_token
from app.web.routes import public_page
from app.web.wording import TILE_COLOURS
from tests.web.documents import UNLABELLED_TYPES, Document, get, page, pay

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

WEB = Path(web.__file__).parent
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
SAMPLE = {"uuid": "7b0c8e0e-5a5c-4a4e-9a53-0d2a8b0f4d11", "default": "sample", "path": "css/base.css"}


def address(rule: Any) -> str:
    return re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLE[found[1] or "default"], rule.rule)


def test_every_route_is_authenticated_or_listed_as_public(app: Flask, client: FlaskClient) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert endpoints >= web.PUBLIC_ENDPOINTS, "a listed endpoint does not exist"

    for rule in app.url_map.iter_rules():
        if rule.endpoint in web.PUBLIC_ENDPOINTS:
            continue
        for method in (rule.methods or set()) - {"OPTIONS"}:
            answer = client.open(address(rule), method=method)
            assert answer.status_code == 303, f"{method} {rule.rule}"
            assert answer.headers["Location"].startswith("/login?next=/"), f"{method} {rule.rule}"


def test_a_token_opens_no_page(app: Flask, client: FlaskClient, sessions: Any, viewer: Any) -> None:
    alice = viewer("alice")
    made = transact(sessions, lambda session: create_api_token(session, alice, name="till", scopes=tuple(Scope)))
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("web."):
            for method in (rule.methods or set()) - {"OPTIONS"}:
                answer = client.open(address(rule), method=method, headers={"Authorization": f"Bearer {made.secret}"})
                assert answer.status_code == 403, f"{method} {rule.rule}"


def test_a_page_that_is_not_listed_cannot_be_public() -> None:
    def not_listed(_session: object, _viewer: object) -> Any:
        raise AssertionError

    with pytest.raises(RuntimeError, match="not_listed answers without a login"):
        public_page("/somewhere")(not_listed)


def test_nothing_but_get_and_head_is_answered_where_a_form_is_shown_and_the_rest_changes_by_post(app: Flask) -> None:
    pages = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("web.")]

    assert {frozenset(rule.methods or set()) - {"OPTIONS"} for rule in pages} == {frozenset({"GET", "HEAD"}), frozenset({"POST"})}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(WEB)))
def test_no_template_has_an_inline_style_or_script(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert re.findall(r"\sstyle=|<style|\son\w+=|javascript:|\|\s*safe", text) == []
    assert [tag for tag in re.findall(r"<script[^>]*>", text) if "src=" not in tag] == []
    assert len(re.findall("<h1", text)) <= 1


def test_every_colour_of_a_tile_is_in_the_style_sheet() -> None:
    sheet = (WEB / "static" / "css" / "people.css").read_text(encoding="utf-8")

    assert [int(number) for number in re.findall(r"^\.colour-(\d+) ", sheet, re.MULTILINE)] == list(range(TILE_COLOURS))


@pytest.mark.parametrize("path", sorted((WEB / "static" / "js").glob("*.js")), ids=lambda path: path.name)
def test_every_script_is_checked_for_types(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("// @ts-check\n")


def test_every_page_has_a_title_a_language_one_heading_and_a_label_for_each_input(client: FlaskClient, browser: Any) -> None:
    for shown in every_page(client, browser):
        assert shown.one("html").attributes["lang"] == "en"
        assert shown.all("title")[0].text.endswith(" – Wave")
        assert shown.heading
        ids = [each.attributes["id"] for each in shown.elements if "id" in each.attributes]
        assert len(ids) == len(set(ids))
        for each in shown.elements:
            if each.tag in ("input", "select", "textarea") and each.attributes.get("type") not in UNLABELLED_TYPES:
                name = each.attributes.get("id")
                assert name
                assert len(shown.all("label", for_=name)) == 1, f"{shown.heading}: {name}"
            for described in (each.attributes.get("aria-describedby") or "").split():
                assert described in ids
            assert each.attributes.get("href", "x"), f"{shown.heading}: a link to nowhere"
        for target in shown.problems():
            assert not target or target in ids


@pytest.mark.parametrize("path", sorted((WEB / "static" / "js").glob("*.js")), ids=lambda path: path.name)
def test_a_script_shows_text_as_text_runs_nothing_and_keeps_nothing(path: Path) -> None:
    risky = (r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(|setTimeout\(\s*[\"'`]|localStorage|sessionStorage|"
             r"indexedDB|caches\b|document\.cookie|postMessage|\"paste\"|__proto__|Object\.assign|https?:")
    assert re.findall(risky, path.read_text(encoding="utf-8")) == []


def test_a_password_is_masked_sent_by_post_and_may_come_from_a_password_manager(client: FlaskClient, browser: Any) -> None:
    asked = set()
    for shown in every_page(client, browser):
        for each in shown.all("input"):
            name = each.attributes["name"] or ""
            if "password" in name:
                assert each.attributes["type"] == "password"
                assert each.attributes["autocomplete"] in {"current-password", "new-password"}
                assert {above.attributes["method"] for above in each.ancestors if above.tag == "form"} == {"post"}
                assert not any(attribute.startswith("on") for attribute in each.attributes)
                asked.add(name)
    assert asked >= {"password", "current_password", "new_password"}


def every_page_of_a_payout(payer: FlaskClient) -> list[Document]:
    shown = [get(payer, "/payout")]
    for file, status in ((b"bob,1\nbob,1\n", 422), (b"bob,1\nbob,9999\n", 200), (b"bob,1\nbob,1\n", 422)):
        form = {"idempotency_key": SAMPLE["uuid"], "file": (io.BytesIO(file), "payout.csv")}
        shown.append(page(payer.post("/payout/check", data=form)))
        sent = {name: shown[-1].hidden(name) for name in ("idempotency_key", "content_key", "lines")}
        shown.append(page(payer.post("/payout", data=sent), status))
        shown += [page(payer.post("/payout", data={**sent, "mode": mode, "repeated": "yes"})) for mode in ("atomic", "each")]
    shown.append(page(payer.post("/payout/check", data={**form, "file": (io.BytesIO(b"bob,1\nnobody-here,1\nkate,1,50\n"), "payout.csv")})))
    return [*shown, page(payer.post("/payout/check", data={"idempotency_key": SAMPLE["uuid"]}), 422)]


def test_links_under_the_path_of_a_refused_request_are_in_no_other_page(client: FlaskClient) -> None:
    refused = client.get("/", environ_overrides={"SCRIPT_NAME": "/under"})
    assert 'href="/under/' in refused.text
    assert "/under" not in client.get("/").text


def every_page(client: FlaskClient, browser: Any) -> list[Document]:
    alice, bob = browser("alice"), browser("bob")
    receipt = pay(alice, "bob", "10.00", "Lunch")
    key = get(bob, receipt).hidden("idempotency_key")
    return [
        get(client, "/"), get(client, "/register"), get(client, "/login?next=/pay"), get(client, "/users/alice"),
        get(client, "/nowhere", 404),
        page(client.post("/register", data={}), 422), page(client.post("/login", data={}), 401), get(alice, "/"), get(alice, "/wallet"),
        get(alice, "/wallet?since=x&minimum=-1", 422), get(alice, "/users/alice"), get(alice, "/pay"), get(alice, receipt),
        get(bob, receipt),
        page(alice.post("/pay", data={"idempotency_key": key}), 404),
        page(alice.post("/pay", data={"to": "bob", "amount": "1.00", "idempotency_key": key})),
        page(bob.post(receipt + "/refund", data={"amount": "1.00", "idempotency_key": key})),
        page(bob.post(receipt + "/refund", data={"amount": "100.00", "idempotency_key": key}), 422),
        get(alice, "/account"), page(alice.post("/account/password", data={}), 401),
        page(alice.post("/account/tokens", data={"name": "till", "scopes": ["READ", "PAY"]})), get(alice, "/account"),
        page(alice.post("/account/tokens", data={"name": "till"}), 422),
        *every_page_of_a_payout(alice),
    ]
