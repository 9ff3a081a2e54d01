"""The bank over HTTP with batches of payments: at 1 and at 64 connections, while connections are killed."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from app import identity, ledger
from app.database import transact
from app.identity import Scope

if TYPE_CHECKING:
    from app.database import Sessions
    from tests.conftest import Database
    from tests.gunicorn import Served

PEOPLE = [f"person-{number}" for number in range(8)]
PAYMENTS, KILLS = 960, 4
TOTAL = "SELECT sum(balance)::bigint, bool_or(balance < 0) FROM ledger.accounts WHERE kind = 'wallet'"
KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
PAY = "mutation ($input: SendPaymentInput!) { sendPayment(input: $input) { replayed payment { id } errors { code } } }"


class Client:
    """One connection that pays for any person, and retries a payment with an unknown result under the same id."""

    def __init__(self, served: Served, tokens: dict[str, str], seed: int) -> None:
        place = urlsplit(served.address)
        self.connection = HTTPConnection(place.hostname or "", place.port, timeout=60)
        self.tokens, self.chance = tokens, random.Random(seed)  # noqa: S311 - reproducible, not secret

    def pay(self, times: int) -> list[tuple[str, str]]:
        """The result of each payment: its id, and "paid" or the reason."""
        try:
            return [self.settle() for _ in range(times)]
        finally:
            self.connection.close()

    def settle(self) -> tuple[str, str]:
        payer, payee = self.chance.sample(PEOPLE, 2)
        key, amount = str(uuid4()), f"{self.chance.randint(1, 40_000) / 100:.2f}"
        body = json.dumps({"query": PAY, "variables": {"input": {"idempotencyKey": key, "to": payee, "amount": amount}}})
        while (answer := self.ask(payer, body)) is None:
            pass
        payload = answer["data"]["sendPayment"]
        return key, payload["errors"][0]["code"] if payload["errors"] else "paid"

    def ask(self, payer: str, body: str) -> Any:
        """The response; None for "unknown, send the same id again"."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.tokens[payer]}"}
        self.connection.request("POST", "/graphql", body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status in (200, 503), text
        return json.loads(text) if answer.status == 200 else None


@pytest.mark.parametrize("connections", [1, pytest.param(64, marks=pytest.mark.load)])
def test_no_penny_is_lost_or_made_and_nothing_is_paid_twice(
    served: Served, database: Database, sessions: Sessions, viewer: Any, connections: int
) -> None:
    def token(name: str) -> str:
        person = viewer(name)
        return transact(sessions, lambda session: identity.create_api_token(session, person, name="till", scopes=tuple(Scope))).secret

    tokens = {name: token(name) for name in PEOPLE}
    before = database.execute(TOTAL)
    each = PAYMENTS // connections // (1 if connections > 1 else 4)
    with ThreadPoolExecutor(connections) as pool:
        paying = [pool.submit(Client(served, tokens, seed).pay, each) for seed in range(connections)]
        seen: list[list[tuple[Any, ...]]] = []
        for kills in range(1, KILLS + 1):
            while len(seen) < kills * 20 and not all(client.done() for client in paying):
                seen.append(database.execute(TOTAL))
            database.execute(KILL)
        outcomes = [outcome for client in paying for outcome in client.result()]
    assert [*seen, database.execute(TOTAL)] == [before] * (len(seen) + 1)
    assert {code for _, code in outcomes} <= {"paid", "INSUFFICIENT_FUNDS"}
    paid = {key for key, code in outcomes if code == "paid"}
    assert len(outcomes) == each * connections
    assert len(paid) > len(outcomes) / 2
    assert {key for (key,) in database.execute("SELECT id::text FROM ledger.transfers WHERE kind = 'payment'")} == paid
    assert transact(sessions, ledger.verify) == []
