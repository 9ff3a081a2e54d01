"""A flood of logins, from many addresses and with many usernames, does not slow down payments."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from threading import Event
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from app import identity
from app.database import transact
from app.http.admission import LOGINS
from tests.asgi.test_served import ask
from tests.gunicorn import Served, serving
from tests.load.accounting import children, cpu_seconds, proportional_megabytes

if TYPE_CHECKING:
    from app.database import Sessions
    from tests.conftest import Database, Figure

SECONDS, LOGINS_A_SECOND, CONNECTIONS = 30, 500, 50
LOG_IN = "mutation ($input: LogInInput!) { logIn(input: $input) { errors { code } } }"
PAY = "mutation ($input: SendPaymentInput!) { sendPayment(input: $input) { errors { code } } }"
LIMIT_MS, LIMIT_MEGABYTES = 1000, 150
NEVER = Event()


class Flood:
    """Logins at a constant rate, each with another username from another address."""

    def __init__(self, served: Served) -> None:
        self.place = served.address.removeprefix("http://")
        self.begun = monotonic()

    def attack(self, first: int) -> Counter[int]:
        """The responses on one connection, which sends its share of the logins."""
        statuses: Counter[int] = Counter()
        connection = HTTPConnection(self.place, timeout=60)
        for number in range(first, SECONDS * LOGINS_A_SECOND, CONNECTIONS):
            NEVER.wait(max(0.0, self.begun + number / LOGINS_A_SECOND - monotonic()))
            given = {"username": f"person-{number % 997}", "password": "a guess"}
            headers = {"Content-Type": "application/json", "X-Forwarded-For": f"100.{number >> 16}.{number >> 8 & 255}.{number & 255}"}
            connection.request("POST", "/graphql", json.dumps({"query": LOG_IN, "variables": {"input": given}}), headers)
            answer = connection.getresponse()
            answer.read()
            statuses[answer.status] += 1
        connection.close()
        return statuses

    def pay(self, secret: str) -> list[float]:
        """The duration of each payment in milliseconds, one after the other, while the flood lasts."""
        took = []
        connection = HTTPConnection(self.place, timeout=60)
        while monotonic() < self.begun + SECONDS:
            order = {"idempotencyKey": str(uuid4()), "to": "bob", "amount": "0.01"}
            body = json.dumps({"query": PAY, "variables": {"input": order}})
            begun = perf_counter()
            connection.request("POST", "/graphql", body, {"Content-Type": "application/json", "Authorization": f"Bearer {secret}"})
            answer = connection.getresponse()
            assert (answer.status, json.loads(answer.read())) == (200, {"data": {"sendPayment": {"errors": []}}})
            took.append((perf_counter() - begun) * 1000)
            NEVER.wait(0.02)
        connection.close()
        return sorted(took)


@pytest.mark.load
@pytest.mark.usefixtures("full_price")
def test_a_flood_of_logins_is_refused_before_hashing_and_payments_continue(
    database: Database, sessions: Sessions, viewer: Any, figure: Figure
) -> None:
    alice = viewer("alice")
    viewer("bob")
    secret = transact(sessions, lambda session: identity.create_api_token(
        session, alice, name="till", scopes=tuple(identity.Scope))).secret
    with serving(database.app_url, {"PAYMENT_SYSTEM_TRUSTED_PROXIES": "127.0.0.0/8"}) as served:
        flood = Flood(served)
        while len(children(served.process.pid)) < 2:
            ask(served, b"", method="GET", path="/healthz")
        for _ in range(200):
            ask(served, b"", method="GET", path="/login")
        before = [proportional_megabytes(each) for each in children(served.process.pid)]
        with ThreadPoolExecutor(CONNECTIONS + 1) as pool:
            paying = pool.submit(flood.pay, secret)
            statuses = sum(pool.map(flood.attack, range(CONNECTIONS)), Counter[int]())
            took = paying.result()
        seconds = monotonic() - flood.begun
        after = [proportional_megabytes(each) for each in children(served.process.pid)]
        cpu = cpu_seconds(served.process.pid)
    hashed = statuses[200]
    figure(f"login flood: {statuses.total()} logins in {seconds:.0f} s, {hashed} hashed, {statuses[429]} turned away; {len(took)} payments "
           f"beside it, p50 {took[len(took) // 2]:.1f} ms, p95 {took[len(took) * 95 // 100]:.1f} ms; workers from "
           f"{' and '.join(f'{each:.0f}' for each in before)} to {' and '.join(f'{each:.0f}' for each in after)} MB; {cpu:.0f} s of CPU")
    assert statuses.keys() == {200, 429}
    assert statuses.total() == SECONDS * LOGINS_A_SECOND
    assert LOGINS.attempts <= hashed <= LOGINS.attempts + seconds / LOGINS.seconds_per_attempt + 1
    # Only admitted attempts are stored: usernames, addresses, and both together.
    assert database.execute(f"SELECT count(*) <= {3 * hashed + 1} FROM throttles") == [(True,)]
    assert took[len(took) * 95 // 100] < LIMIT_MS
    assert max(after) < max(before) + LIMIT_MEGABYTES
