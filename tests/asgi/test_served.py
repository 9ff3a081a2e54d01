"""What gunicorn serves: the API on the event loop answers as the one under Flask does, and nothing stops the pages."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from http.client import HTTPConnection
from threading import Barrier
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from app import identity, ledger
from app.asgi.entry import STOP_SIGNALS
from app.database import transact
from app.http.guard import SECURITY_HEADERS
from app.identity import Scope
from tests.gunicorn import serving
from tests.processes import await_end

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from app.database import Sessions
    from tests.conftest import Database
    from tests.gunicorn import Served

PAY = """mutation Pay($input: SendPaymentInput!) { sendPayment(input: $input) {
    replayed payment { id amount { amount } payer { username } payee { displayName } memo refunded { amount } refunds { id } refundOf { id }
    kind direction balanceAfter { amount } } errors { __typename code message field
    ... on InsufficientFundsError { shortfall { formatted } } } } }"""
NUMBER_OF_A_REQUEST = 32
# `graceful_timeout` of gunicorn.conf.py.
GRACEFUL_SECONDS = 20


def ask(served: Served, body: bytes | str, headers: dict[str, str] | None = None, *, method: str = "POST", path: str = "/graphql") -> Any:
    place = urlsplit(served.address)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=60)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, {name.title(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


@pytest.fixture
def token(sessions: Sessions, settings: Any, viewer: Any) -> Any:
    """Makes API tokens: `token("alice")`."""
    made: dict[tuple[str, tuple[Scope, ...]], str] = {}

    def make(username: str, *scopes: Scope) -> str:
        if (username, scopes) not in made:
            person = viewer(username)
            made[username, scopes] = transact(sessions, lambda session: identity.create_api_token(
                session, person, name="till", scopes=scopes or tuple(Scope))).secret
        return made[username, scopes]

    assert settings.environment == "development"
    return make


def order(to: Any = "bob", amount: Any = "1.00", key: Any = None, **more: Any) -> str:
    given = {"idempotencyKey": key or str(uuid4()), "to": to, "amount": amount, **more}
    return json.dumps({"query": PAY, "variables": {"input": given}})


def masked(body: bytes) -> Any:
    """An answer without what differs when the same is sent again."""
    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: "…" if name in ("errorId", "replayed") else walk(each) for name, each in value.items()}
        return [walk(each) for each in value] if isinstance(value, list) else value

    return walk(json.loads(body))


PAGE = """payments(first: $first, after: $after) {
    nodes { id kind direction amount { amount formatted } payer { username joinedAt } payee { displayName } memo createdAt
        refunded { amount } }
    edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage endCursor } }"""
QUESTION = f"query ($first: Int, $after: String) {{ viewer {{ user {{ username }} wallet {{ {PAGE} balance {{ formatted }} status }} }} }}"


def question(text: str = QUESTION, **variables: Any) -> str:
    return json.dumps({"query": text, "variables": variables})


def test_a_wallet_is_answered_alike_on_both_ways(served: Served, client: FlaskClient, token: Any) -> None:
    alice, payer, empty = token("alice"), token("alice", Scope.PAY), token("carol")
    token("bob")
    bearer = {"Authorization": f"Bearer {alice}"}
    for amount in range(1, 24):
        ask(served, order(amount=f"{amount}.00", memo='50% "off" – \u2028'), bearer)
    cursor = json.loads(ask(served, question(first=5), bearer)[2])["data"]["viewer"]["wallet"]["payments"]["pageInfo"]["endCursor"]
    twice = QUESTION.replace("balance {", f"again: {PAGE} balance {{")
    cases: list[tuple[str, dict[str, str]]] = [
        (question(), bearer), (question(first=1), bearer), (question(first=20), bearer), (question(first=21), bearer),
        (question(first=100), bearer), (question(first=0), bearer), (question(first=101), bearer), (question(first="x"), bearer),
        (question(first=5, after=cursor), bearer), (question(first=18, after=cursor), bearer), (question(first=19, after=cursor), bearer),
        (question(after="no cursor"), bearer), (question(first=None, after=None), bearer), (question(twice), bearer),
        (question(QUESTION.replace("balance {", "balanceHistory { date } balance {")), bearer),
        (question(QUESTION.replace("pageInfo", "totalCount pageInfo")), bearer),
        (question(QUESTION.replace("pageInfo", "nodes { refunds { id } refundOf { id } } pageInfo")), bearer),
        (question(QUESTION.replace("$after)", "$after, filter: {direction: RECEIVED})")), bearer),
        (question(QUESTION.replace("wallet", "logins { id } wallet")), bearer),
        (question(QUESTION.replace("viewer", "me: viewer")), bearer),
        (question(QUESTION + " "), {"Authorization": f"Bearer {empty}"}), (question(), {"Authorization": f"Bearer {payer}"}),
        (question(), {"Authorization": "Bearer wave_unknown"}), (question(), {}), (question(), {"Authorization": "Basic YTpi"}),
        *((question(text), {"Authorization": f"Bearer {sent}"}) for sent in (payer, "wave_unknown") for text in (
            "{ viewer { wallet { __typename } } }", "{ viewer { wallet { status } user { username } } }", "{ __typename }",
            "{ users { totalCount } }", "{ viewer { __typename } }", "{ viewer { user { username } logins { id } } }")),
    ]
    for _ in range(2):  # the first time prepares the documents, the second finds them kept
        for body, headers in cases:
            status, found, text = ask(served, body, headers)
            under_flask = client.post("/graphql", data=body, headers={"Content-Type": "application/json", **headers})
            assert (status, masked(text)) == (under_flask.status_code, masked(under_flask.data)), body
            assert found["Content-Type"] == under_flask.headers["Content-Type"]


def test_a_payment_is_answered_alike_on_both_ways(served: Served, client: FlaskClient, token: Any) -> None:
    alice, reader, used = token("alice"), token("alice", Scope.READ), str(uuid4())
    token("bob")
    bearer = {"Authorization": f"Bearer {alice}"}
    cases: list[tuple[str | bytes, dict[str, str]]] = [
        (order(memo=" lunch\nfor two "), bearer), (order(key=used), bearer), (order(key=used), bearer),
        (order(key=used, amount="2"), bearer),
        (order(amount="5000.01"), bearer), (order(amount="-1"), bearer), (order(amount=1.5), bearer), (order(amount=None), bearer),
        (order(to="nobody-here"), bearer), (order(to="ALICE"), bearer), (order(to="a b"), bearer), (order(to=None), bearer),
        (order(amount="x", to="nobody-here"), bearer), (order(memo="x" * 201), bearer), (order(memo="\ud800"), bearer),
        (order(key="no id"), bearer), (order(extra=1), bearer), (order(), {"Authorization": f"Bearer {reader}"}), (order(), {}),
        (order(), {"Authorization": "Bearer wave_unknown"}), (order(), {"Authorization": "Basic YTpi"}),
        (order(), {**bearer, "Content-Type": "text/plain"}), (b"{", bearer), (b"[]", bearer), (order(memo="x" * 11_000), bearer),
        (json.dumps({"query": "{ viewer { user { username } wallet { status } } }"}), bearer),
        (json.dumps({"query": "{ nothing }"}), bearer),
        (order(), {**bearer, "Sec-Fetch-Site": "cross-site"}), (order(), {"Sec-Fetch-Site": "cross-site"}),
        (json.dumps({"query": PAY.replace("sendPayment(", "sendPayment @skip(if: true) (")}), bearer),
    ]
    for _ in range(2):  # the first time prepares the documents, the second finds them kept
        for body, headers in cases:
            status, found, text = ask(served, body, headers)
            under_flask = client.post("/graphql", data=body, headers={"Content-Type": "application/json", **headers})
            assert (status, masked(text)) == (under_flask.status_code, masked(under_flask.data)), body
            ours = {name: found.get(name) for name in (*SECURITY_HEADERS, "Cache-Control", "Content-Type", "Www-Authenticate", "Allow")}
            assert ours == {name: under_flask.headers.get(name) for name in ours}
            assert len(found["X-Request-Id"]) == NUMBER_OF_A_REQUEST


def test_a_login_over_the_event_loop_gives_the_cookie_that_opens_the_pages(served: Served, viewer: Any) -> None:
    viewer("alice")
    query = 'mutation { logIn(input: {username: "alice", password: "a long test phrase"}) { viewer { user { username } } } }'
    status, headers, _ = ask(served, json.dumps({"query": query}))
    assert (status, headers["Set-Cookie"].startswith("login="), "HttpOnly" in headers["Set-Cookie"]) == (200, True, True)
    me, cookie = json.dumps({"query": "{ viewer { user { username } } }"}), {"Cookie": headers["Set-Cookie"].split(";")[0]}
    for _ in range(2):  # in a thread, and once it is prepared on the loop
        assert json.loads(ask(served, me, cookie)[2]) == {"data": {"viewer": {"user": {"username": "alice"}}}}
    # Fetched from PostgreSQL part by part.
    status, headers, text = ask(served, b"", cookie, method="GET", path="/wallet/statement.csv")
    assert (status, headers["Content-Type"], text.count(b"\n")) == (200, "text/csv; charset=utf-8", 2)


def test_all_else_goes_through_flask(served: Served) -> None:
    answers = {(method, path): ask(served, b"", method=method, path=path)[0] for method, path in (
        ("GET", "/graphql"), ("OPTIONS", "/graphql"), ("GET", "/"), ("GET", "/healthz"), ("GET", "/wallet"), ("GET", "/nowhere"),
        ("GET", "/static/css/base.css"))}
    assert list(answers.values()) == [405, 204, 200, 200, 303, 404, 200]


def test_64_connections_with_one_id_are_one_payment_and_equal_answers(served: Served, token: Any, database: Database) -> None:
    alice, body, gate = token("alice"), order(amount="300"), Barrier(64)
    token("bob")

    def send(_: int) -> bytes:
        gate.wait()
        status, _headers, text = ask(served, body, {"Authorization": f"Bearer {alice}"})
        assert status == 200
        return bytes(text)

    with ThreadPoolExecutor(64) as pool:
        answers = [json.loads(each)["data"]["sendPayment"] for each in pool.map(send, range(64))]
    assert sum(not each["replayed"] for each in answers) == 1
    assert len({json.dumps(each["payment"]) for each in answers}) == 1
    assert database.execute("SELECT count(*), sum(amount) FROM ledger.transfers WHERE kind = 'payment'") == [(1, 30_000)]


def test_a_stuck_payment_stops_neither_the_pages_nor_other_queries(served: Served, token: Any, database: Database) -> None:
    alice = {"Authorization": f"Bearer {token('alice')}"}
    token("bob")
    assert ask(served, order(), alice)[0] == 200
    with ThreadPoolExecutor(4) as pool, database.holding("SELECT FROM ledger.accounts FOR UPDATE"):
        stuck = [pool.submit(ask, served, order(), alice) for _ in range(4)]
        while not database.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"):
            pass
        assert ask(served, b"", method="GET", path="/")[0] == 200
        assert ask(served, json.dumps({"query": "{ users { totalCount } }"}))[0] == 200
        assert not any(each.done() for each in stuck)
    assert [json.loads(each.result()[2])["data"]["sendPayment"]["errors"] for each in stuck] == [[]] * 4


def test_a_killed_server_process_leaves_no_payment_twice_and_the_same_ids_settle_all(
    served: Served, token: Any, database: Database, sessions: Sessions
) -> None:
    alice = {"Authorization": f"Bearer {token('alice')}"}
    token("bob")
    bodies = [order(amount="1") for _ in range(64)]

    def send(body: str) -> int:
        return int(ask(served, body, alice)[0])

    with ThreadPoolExecutor(65) as pool:
        first = [pool.submit(send, body) for body in bodies]
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                         "AND pid <> pg_backend_pid()")
        assert {each.result() for each in first} <= {200, 503}
        assert set(pool.map(send, bodies)) <= {200, 503}
        assert set(pool.map(send, bodies)) == {200}
    assert database.execute("SELECT count(*) FROM ledger.transfers WHERE kind = 'payment'") == [(64,)]
    assert transact(sessions, ledger.verify) == []


def test_a_worker_that_is_told_to_stop_before_it_can_serve_ends_by_itself(database: Database) -> None:
    """With the handlers that it inherits it would serve on. Gunicorn starts another in the place of each."""
    with serving(database.app_url, {"WEB_CONCURRENCY": "1"}) as served:
        for number, stop in enumerate([*STOP_SIGNALS] * 4, start=1):
            begun = served.await_log("Booting worker with pid", times=number)
            process_id = int(begun.rpartition("pid: ")[2].partition('"')[0])
            told = time.monotonic()
            os.kill(process_id, stop)
            await_end(process_id)
            assert time.monotonic() - told < GRACEFUL_SECONDS
        served.await_log("Booting worker with pid", times=number + 1)
    # The whole of gunicorn, which tells a worker that has just begun.
    moments = {each["event"]: datetime.fromisoformat(each["time"]) for each in map(json.loads, served.log) if "event" in each}
    waited = moments["Shutting down: Master"] - moments["Handling signal: term"]
    assert waited.total_seconds() < GRACEFUL_SECONDS, served.log
