"""What a person sees when a request fails: always a page that says what to do next."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.exceptions import ImATeapot

from app import create_app
from app.errors import ConflictRetryError, RateLimitedError
from app.web.routes import MAXIMUM_FORM_BYTES
from tests.web.documents import balance, get, page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

    from app.settings import Settings

KEY = "7b0c8e0e-5a5c-4a4e-9a53-0d2a8b0f4d11"


@pytest.fixture
def cut_off(settings: Settings) -> Iterator[FlaskClient]:
    """A browser of a wallet whose database is away."""
    app = create_app(replace(settings, database_url="postgresql+psycopg2://payment_system@/wave?host=/nowhere"))
    client = app.test_client()
    client.set_cookie("login", "some-token")
    yield client
    app.extensions["wave"].disconnect()


def test_an_unknown_address_is_a_page(client: FlaskClient) -> None:
    assert get(client, "/nowhere", 404).heading == "There is nothing here"
    assert get(client, "/payments/7", 404).heading == "There is nothing here"


def test_the_wrong_method_is_a_page(client: FlaskClient) -> None:
    answer = client.get("/logout")

    assert page(answer, 405).heading == "This page works differently"
    assert answer.headers["Allow"] == "OPTIONS, POST"


@pytest.mark.parametrize("path", ["/login", "/register", "/account/name"])
def test_a_body_of_any_size_but_a_forms_is_refused(browser: Any, path: str) -> None:
    answer = browser("alice").post(path, data={"display_name": "x" * MAXIMUM_FORM_BYTES})

    assert page(answer, 413).heading == "That was too much to send"


def test_an_odd_body_is_as_good_as_an_empty_form(client: FlaskClient) -> None:
    form = "application/x-www-form-urlencoded"
    for body, kind in ((b"\xff\xfe", form), (b"--x", "multipart/form-data; boundary=x")):
        assert client.post("/login", data=body, content_type=kind).status_code == 401


def test_a_database_that_is_away_is_a_page_that_asks_to_come_back(cut_off: FlaskClient) -> None:
    for path in ("/", "/wallet", "/users/alice", "/account"):
        answer = cut_off.get(path)
        assert page(answer, 503).heading == "The wallet is catching its breath"
        assert int(answer.headers["Retry-After"]) == 5
        assert "nowhere" not in answer.text
    assert get(cut_off, "/nothing", 404).heading == "There is nothing here"


def test_a_payment_that_did_not_reach_the_books_can_be_sent_again_with_its_key(cut_off: FlaskClient) -> None:
    sent = {"to": "bob", "amount": "1.00", "memo": "Tea & cake", "idempotency_key": KEY}

    shown = page(cut_off.post("/pay/confirm", data=sent), 503)

    assert shown.one("form", action="/pay/confirm").attributes["method"] == "post"
    assert {name: shown.hidden(name) for name in sent} == sent


def test_no_password_is_offered_to_be_sent_again(cut_off: FlaskClient) -> None:
    answer = cut_off.post("/login", data={"username": "alice", "password": "a secret of mine"})

    assert answer.status_code == 503
    assert "a secret of mine" not in answer.text


def test_a_conflict_that_does_not_end_changes_nothing_and_asks_to_try_again(browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = browser("alice")
    browser("bob")

    def conflict(*_: object, **__: object) -> None:
        raise ConflictRetryError

    monkeypatch.setattr("app.payments.paying.send_payments", conflict)
    answer = alice.post("/pay/confirm", data={"to": "bob", "amount": "1.00", "memo": "", "idempotency_key": KEY})

    assert page(answer, 503).hidden("idempotency_key") == KEY
    assert answer.headers["Retry-After"] == "5"
    assert balance(alice) == "£1,000.00"


def test_too_many_tries_are_told_how_long_to_wait(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def throttled(*_: object, **__: object) -> None:
        raise RateLimitedError(retry_after_seconds=7)

    monkeypatch.setattr("app.web.pages.entrance.check_credentials", throttled)
    answer = client.post("/login", data={"username": "alice", "password": "a"})

    assert page(answer, 429).heading == "Wait a moment"
    assert "Try again in 7 seconds." in answer.text
    assert answer.headers["Retry-After"] == "7"


def test_a_code_without_a_page_of_its_own_reads_as_a_bad_request(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def brew(*_: object, **__: object) -> None:
        raise ImATeapot

    monkeypatch.setattr("app.ledger.trial_balance", brew)

    assert get(client, "/", 400).heading == "That did not arrive in one piece"


def test_an_error_page_has_the_security_headers_too(client: FlaskClient) -> None:
    answer = client.get("/nowhere")

    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_log_names_who_asked(browser: Any, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("app").addHandler(caplog.handler)
    get(browser("alice"), "/wallet")

    assert [vars(each)["user"] for each in caplog.records if each.message == "request"] == ["alice"]
