"""Every response of the program: health checks, security headers, a request id, a log line."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from app import create_app, schema_version
from app.errors import SettingError
from app.http.guard import SECURITY_HEADERS
from app.logs import JsonFormatter
from app.money import Currency
from tests.gunicorn import CHECKOUT

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from app.settings import Settings
    from tests.conftest import Database


def test_healthz_says_that_the_process_is_alive(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "alive", "release": "development"}


def test_a_program_with_its_database_and_migrations_is_ready(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (
        200, {"ready": True, "release": "development", "reason": None, "migration": schema_version.head()})


def test_a_database_behind_the_release_is_not_ready_and_says_what_to_do(client: FlaskClient, database: Database) -> None:
    database.execute("UPDATE alembic_version SET version_num = '0000'")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json is not None
    assert answer.json["reason"].endswith(f"this release needs {schema_version.head()}: run `flask db upgrade`")


def test_a_database_with_migrations_of_a_newer_release_is_ready(client: FlaskClient, database: Database) -> None:
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    assert client.get("/readyz").status_code == 200


def test_books_in_another_currency_are_not_ready(settings: Settings, viewer: Any) -> None:
    viewer("alice")
    yen = create_app(replace(settings, currency=Currency.named("JPY"))).test_client()
    answer = yen.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["reason"] == "the books are in GBP, but PAYMENT_SYSTEM_CURRENCY is JPY: set it to GBP"


def test_a_missing_database_is_not_ready_but_the_process_is_alive(settings: Settings) -> None:
    away = create_app(replace(settings, database_url="postgresql+psycopg2://payment_system@/gone?host=/nowhere")).test_client()
    answer = away.get("/readyz")
    assert answer.headers["Retry-After"] == "5"
    assert (answer.status_code, answer.json) == (
        503, {"ready": False, "release": "development", "reason": "the database does not answer", "migration": None})
    assert away.get("/healthz").status_code == 200


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/"), ("GET", "/nowhere"), ("GET", "/wallet"), ("PUT", "/login"), ("GET", "/graphql"), ("POST", "/graphql"),
    ("GET", "/healthz"),
    ("GET", "/readyz"), ("GET", "/static/nowhere.css"), ("OPTIONS", "/graphql"), ("POST", "/login"),
])
def test_every_answer_has_the_security_headers_and_an_id(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(path, method=method)
    assert {name: answer.headers.getlist(name) for name in SECURITY_HEADERS} == {name: [text] for name, text in SECURITY_HEADERS.items()}
    assert len(answer.headers["X-Request-Id"]) == 32
    assert "Server" not in answer.headers


def test_nothing_private_is_kept_by_a_cache(client: FlaskClient, browser: Any) -> None:
    for answer in (browser("alice").get("/wallet"), browser("alice").get("/account"), client.get("/login")):
        assert answer.headers.getlist("Cache-Control") == ["no-store"]


def test_hsts_is_sent_where_the_wallet_uses_https(settings: Settings) -> None:
    secure = create_app(replace(settings, secure_cookies=True)).test_client()
    assert secure.get("/healthz").headers["Strict-Transport-Security"] == "max-age=31536000"
    asked = create_app(replace(settings, secure_cookies=True, hsts_subdomains=True)).test_client()
    assert asked.get("/healthz").headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_a_request_has_one_log_line_with_who_what_and_result_and_no_secret(
    browser: Any
) -> None:
    alice, written = browser("alice"), io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    logging.getLogger("app").addHandler(handler)
    answer = alice.get("/wallet?text=secret-search")
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [(line["event"], line["method"], line["path"], line["status"], line["user"]) for line in lines] == [
        ("request", "GET", "/wallet", 200, "alice")]
    assert lines[0]["request_id"] == answer.headers["X-Request-Id"]
    assert "secret-search" not in str(lines)


def test_a_wrong_setting_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "oracle://")
    with pytest.raises(SettingError, match="DATABASE_URL is not an address of PostgreSQL"):
        create_app()


@pytest.mark.parametrize(
    ("start", "needless"), [("import app.local.run", {"sqlalchemy", "flask"}), ("import app.asgi; app.asgi.create_entry()", {"alembic"})]
)
def test_a_start_loads_only_what_it_needs(start: str, needless: set[str]) -> None:
    command = f"{start}; import sys; print(sorted({needless} & set(sys.modules)))"
    environment = {**os.environ, "DATABASE_URL": "postgresql:///nowhere", "PAYMENT_SYSTEM_ENVIRONMENT": "development"}
    done = subprocess.run([sys.executable, "-c", command], cwd=CHECKOUT, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
