"""Each action has a log line with who, what, when, from where and the result. No line has a secret."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from app import web
from app.api.schema import SCHEMA
from app.logs import JsonFormatter
from app.web.routes import AUDIT_ACTIONS
from tests.asgi.test_served import ask
from tests.conftest import PASSWORD
from tests.gunicorn import serving
from tests.web.documents import get, page, pay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from flask.testing import FlaskClient

    from tests.conftest import Browsers, Database

HOME = {"REMOTE_ADDR": "203.0.113.7"}
KEY = "5d3c9a71-e84b-4f26-9b0d-000000000001"
NEW_PASSWORD = "another long phrase of mine"
# Pages with a form that change nothing.
SHOWN_ONLY = {"web.pay_check", "web.refund_check", "web.payout_check", "web.payout_result"}


class Lines(logging.Handler):
    """All log lines of the program."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []
        self.setFormatter(JsonFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        self.written.append(self.format(record))


@pytest.fixture
def lines(app: Flask) -> Iterator[Lines]:
    del app  # which sets the log up
    handler = Lines()
    logging.getLogger("app").addHandler(handler)
    yield handler
    logging.getLogger("app").removeHandler(handler)


@pytest.fixture
def audit_events(lines: Lines) -> Callable[[], list[dict[str, Any]]]:
    """The audit events since the last call."""
    def found() -> list[dict[str, Any]]:
        events = [json.loads(line) for line in lines.written]
        lines.written.clear()
        return [event for event in events if event["event"] == "request" and "result" in event]

    return found


def told(audit_event: dict[str, Any]) -> tuple[Any, ...]:
    return audit_event.get("action"), audit_event["user"], audit_event["result"]


def test_a_log_line_has_who_what_when_from_where_and_the_result(client: FlaskClient, audit_events: Callable[[], Any]) -> None:
    begun = datetime.now(UTC) - timedelta(milliseconds=1)
    client.post("/register", data={"username": "alice", "password": PASSWORD}, environ_base=HOME)
    (audit_event,) = audit_events()
    assert begun <= datetime.fromisoformat(audit_event["time"]) <= datetime.now(UTC)
    assert audit_event["time"].endswith("+00:00")
    assert {name: audit_event[name] for name in ("action", "user", "address", "result", "method", "path", "status")} == {
        "action": "register", "user": "alice", "address": "203.0.113.7", "result": "done", "method": "POST", "path": "/register",
        "status": 303}
    assert UUID(audit_event["request_id"])


def test_right_and_wrong_logins_are_logged(browser: Browsers, app: Flask, audit_events: Callable[[], Any]) -> None:
    browser("alice")
    log_in = 'mutation { logIn(input: {username: "%s", password: "%s"}) { errors { code } } }'
    for username, password in (("alice", PASSWORD), ("alice", "wrong"), ("nobody-here", "wrong"), ("my password", "wrong")):
        app.test_client().post("/graphql", json={"query": log_in % (username, password)})
        app.test_client().post("/login", data={"username": username, "password": password})
    found = [(*told(each), each.get("account")) for each in audit_events()]
    assert found == [
        *[("log_in", "alice", "done", None)] * 2, *[("log_in", None, "WRONG_CREDENTIALS", "alice")] * 2,
        *[("log_in", None, "WRONG_CREDENTIALS", None)] * 4,
    ]


def test_a_login_above_the_rate_limit_is_logged(client: FlaskClient, audit_events: Callable[[], Any]) -> None:
    for _ in range(11):
        client.post("/login", data={"username": "alice", "password": "wrong"})
    assert told(audit_events()[-1]) == ("log_in", None, "RATE_LIMITED")


def call(client: FlaskClient, mutation: str, fields: str = "errors { code }") -> Any:
    answer = client.post("/graphql", json={"query": f"mutation {{ made: {mutation} {{ {fields} }} }}"})
    assert answer.json
    return answer.json["data"]["made"]


def test_changes_by_the_api_are_logged(browser: Browsers, audit_events: Callable[[], Any]) -> None:
    alice, other = browser("alice"), browser("alice")
    browser("bob")
    order = f'{{idempotencyKey: "{KEY}", to: "bob", amount: "1.00"}}'
    made = call(alice, 'createApiToken(input: {name: "till", scopes: [READ]})', "apiToken { id } secret")
    token = made["apiToken"]["id"]
    call(alice, f'revokeApiToken(id: "{token}")')
    call(alice, f"sendPayment(input: {order})")
    call(alice, f"sendPayments(input: {{items: [{order}]}})")
    call(alice, f'sendPayment(input: {order.replace("1.00", "1.01")})')
    call(alice, f'refundPayment(input: {{idempotencyKey: "{KEY}", paymentId: "{KEY}"}})')
    call(alice, f'changePassword(input: {{currentPassword: "{PASSWORD}", newPassword: "{NEW_PASSWORD}"}})')
    call(alice, f'revokeLogin(id: "{KEY}")')
    call(alice, "logOut", "done")
    call(other, f"sendPayment(input: {order})")
    found = audit_events()
    assert [told(each) for each in found] == [
        ("create_api_token", "alice", "done"), ("revoke_api_token", "alice", "done"), ("send_payment", "alice", "done"),
        ("send_payments", "alice", "done"), ("send_payment", "alice", "IDEMPOTENCY_KEY_REUSED"), ("refund_payment", "alice", "NOT_FOUND"),
        ("change_password", "alice", "done"), ("revoke_login", "alice", "NOT_FOUND"), ("log_out", "alice", "done"),
        ("send_payment", None, "UNAUTHENTICATED"),
    ]
    assert [each.get("id") for each in found[:4]] == [token, token, KEY, None]
    assert found[3]["count"] == 1


def test_changes_by_the_pages_are_logged(browser: Browsers, audit_events: Callable[[], Any]) -> None:
    alice = browser("alice")
    browser("bob")
    receipt = pay(alice, "bob", "1.00")
    page(alice.post("/account/tokens", data={"name": "till", "scopes": "READ"}))
    alice.post("/account/name", data={"display_name": "Alice L"})
    alice.post("/account/name", data={"display_name": ""})
    alice.post("/pay/confirm", data={"to": "bob", "amount": "9999.00", "idempotency_key": KEY})
    alice.post("/account/password", data={"current_password": PASSWORD, "new_password": NEW_PASSWORD})
    alice.post("/logout")
    alice.post("/account/name", data={"display_name": "Alice"})
    found = audit_events()
    assert [told(each) for each in found] == [
        ("send_payment", "alice", "done"), ("create_api_token", "alice", "done"), ("change_display_name", "alice", "done"),
        ("change_display_name", "alice", "INVALID_INPUT"), ("send_payment", "alice", "INSUFFICIENT_FUNDS"),
        ("change_password", "alice", "done"), ("log_out", "alice", "done"), ("change_display_name", None, "UNAUTHENTICATED"),
    ]
    assert found[0]["id"] == receipt.rpartition("/")[2]


def test_other_refusals_are_logged(client: FlaskClient, audit_events: Callable[[], Any]) -> None:
    client.get("/nowhere")
    client.get("/graphql")
    client.post("/graphql", json={"query": "{ wrong }"})
    client.post("/graphql", json={"query": "{ __typename }"}, headers={"Authorization": "Bearer nothing"})
    client.post("/login", data={"username": "alice"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert [told(each) for each in audit_events()] == [
        (None, None, "Not Found"), (None, None, "METHOD_NOT_ALLOWED"), (None, None, "INVALID_QUERY"), (None, None, "UNAUTHENTICATED"),
        ("log_in", None, "FORBIDDEN")]


def test_every_page_that_changes_something_is_named_in_the_log(app: Flask) -> None:
    changing = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.startswith("web.") and "POST" in (rule.methods or ())}
    assert changing == AUDIT_ACTIONS.keys() | SHOWN_ONLY
    assert not AUDIT_ACTIONS.keys() & SHOWN_ONLY
    assert SCHEMA.mutation_type
    mutations = {"".join("_" + each.lower() if each.isupper() else each for each in name) for name in SCHEMA.mutation_type.fields}
    assert set(AUDIT_ACTIONS.values()) == mutations | {"change_display_name"}
    assert web


def test_a_payment_by_token_on_the_event_loop_has_one_log_line(database: Database, browser: Browsers) -> None:
    alice = browser("alice")
    browser("bob")
    secret = call(alice, 'createApiToken(input: {name: "till", scopes: [PAY]})', "secret")["secret"]
    query = "mutation ($input: SendPaymentInput!) { sendPayment(input: $input) { errors { code } } }"
    keys = [KEY[:-1] + str(number) for number in range(1, 4)]
    # The first request with a query takes another code path.
    with serving(database.app_url, {"WEB_CONCURRENCY": "1"}) as served:
        for key, amount in zip(keys, ("1.00", "1.00", "9999.00"), strict=True):
            body = json.dumps({"query": query, "variables": {"input": {"idempotencyKey": key, "to": "bob", "amount": amount}}})
            ask(served, body, {"Authorization": f"Bearer {secret}"})
    events = [json.loads(line) for line in served.log if '"request"' in line]
    assert [(*told(each), each.get("id")) for each in events] == [
        ("send_payment", "alice", "done", keys[0]), ("send_payment", "alice", "done", keys[1]),
        ("send_payment", "alice", "INSUFFICIENT_FUNDS", None)]
    assert database.execute("SELECT count(*) FROM ledger.transfers WHERE kind = 'payment'") == [(2,)]
    assert secret not in "".join(served.log)


def test_no_line_holds_a_password_a_token_or_a_cookie(
    client: FlaskClient, lines: Lines, app: Flask, operator_runs: Callable[..., str]
) -> None:
    """Does everything once with known secrets, right and wrong ones, and searches the log for them."""
    client.post("/register", data={"username": "carol", "password": "carols-own-secret-phrase"})
    cookies = {str(cookie.value) for cookie in (client.get_cookie("login"),) if cookie}
    token = call(client, 'createApiToken(input: {name: "till", scopes: [READ, PAY]})', "secret")["secret"]
    for headers in ({"Authorization": f"Bearer {token}"}, {"Authorization": f"Bearer {token}x"}, {"Authorization": f"Basic {token}"}):
        app.test_client().post("/graphql", json={"query": "{ viewer { wallet { balance { amount } } } }"}, headers=headers)
        app.test_client().get("/wallet", headers=headers)
    for username, password in (("carol", "guess-of-a-password"), ("typed-my-secret-here", "x"), ("carol", "carols-own-secret-phrase")):
        client.post("/login", data={"username": username, "password": password})
        log_in = f'mutation {{ logIn(input: {{username: "{username}", password: "{password}"}}) {{ errors {{ code }} }} }}'
        client.post("/graphql", json={"query": log_in})
        client.post("/graphql", json={"query": log_in + "}"})
        client.post("/graphql", json={"query": "mutation ($i: LogInInput!) { logIn(input: $i) { errors { code } } }",
                                      "variables": {"i": {"username": username, "password": password, "more": password}}})
        client.get(f"/login?next=/wallet&password={password}")
    client.post("/account/password", data={"current_password": "guess-of-a-password", "new_password": "carols-next-secret-phrase"})
    client.post("/account/password", data={"current_password": "carols-own-secret-phrase", "new_password": "carols-next-secret-phrase"})
    cookies |= {str(cookie.value) for cookie in (client.get_cookie("login"),) if cookie}
    call(client, f'revokeLogin(id: "{token}")')
    call(client, f'sendPayment(input: {{idempotencyKey: "{token}", to: "{token}", amount: "{token}"}})')
    get(client, f"/users/{token}", 404)
    generated = operator_runs("users", "reset-password", "carol", "--generate").rpartition(" ")[2].strip()
    operator_runs("users", "reset-password", "carol", "--stdin", typed="the-operators-secret-phrase\n")
    text = "\n".join(lines.written)
    assert len(lines.written) > 40
    assert len(cookies) == 2
    for secret in ("carols-own-secret-phrase", "guess-of-a-password", "typed-my-secret-here", "carols-next-secret-phrase", token, generated,
                   "the-operators-secret-phrase", *cookies):
        assert secret not in text, secret
        assert secret.encode().hex() not in text


@pytest.fixture
def operator_runs(app: Flask) -> Callable[..., str]:
    def run(*arguments: str, typed: str | None = None) -> str:
        result = app.test_cli_runner().invoke(args=arguments, input=typed)
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_the_operators_commands_are_logged(
    lines: Lines, browser: Browsers, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser("alice")
    monkeypatch.setenv("SUDO_USER", "olive")
    monkeypatch.setenv("SSH_CONNECTION", "203.0.113.9 50000 10.0.0.1 22")
    for command in ("users freeze alice", "users unfreeze alice", "users freeze nobody-here", "users reset-password alice --generate",
                    "money issue alice 5.00 --reason Gift", "money redeem alice 99999.00 --reason Gift", "users list", "ledger verify",
                    "users freeze", "db check", "schema export --sdl"):
        app.test_cli_runner().invoke(args=command.split())
    found = [json.loads(line) for line in lines.written if '"command"' in line]
    assert {(each["operator"], each["address"]) for each in found} == {("olive", "203.0.113.9")}
    assert [(each["action"], each["username"], each.get("amount"), each["result"]) for each in found] == [
        ("users freeze", "alice", None, "done"), ("users unfreeze", "alice", None, "done"),
        ("users freeze", "nobody-here", None, "NOT_FOUND"),
        ("users reset-password", "alice", None, "done"), ("money issue", "alice", "5.00", "done"),
        ("money redeem", "alice", "99999.00", "INSUFFICIENT_FUNDS"),
    ]
