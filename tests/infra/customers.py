"""Owns customers of a deployed wallet: people who registered over HTTPS, and a load of payments between them that forgets nothing."""

from __future__ import annotations

import json
import ssl
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from socket import create_connection
from statistics import quantiles
from threading import Condition, Event
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.infra.hosts import Host

ANSWER_SECONDS: Final = 60
PASSWORD: Final = "zanzibar-7-lamps-under-moss"
REGISTER: Final = "mutation R($input: RegisterInput!) { register(input: $input) { viewer { user { username } } errors { code message } } }"
LOG_IN: Final = "mutation L($input: LogInInput!) { logIn(input: $input) { viewer { user { username } } errors { code } } }"
TOKEN: Final = "mutation T($input: CreateApiTokenInput!) { createApiToken(input: $input) { secret errors { code message } } }"
PAY: Final = "mutation P($input: SendPaymentInput!) { sendPayment(input: $input) { replayed payment { id } errors { code message } } }"
# Between two payments over one connection. Without a pause, customers would take the processor from the deploy that they live through.
PAUSE_SECONDS: Final = 0.1
# What customers live through may be over in a second, and then shows little.
FEWEST_PAYMENTS: Final = 101
PENNY: Final = "0.01"


class Wallet:
    """A deployed wallet, asked over one connection that is kept: HTTPS to a host, or HTTP to an address with a port.

    Args:
        address: of the host.
        domain: the name it has to prove with a certificate; without one it made its certificate itself, and that is not looked at.
        root: the file of the issuer's root.
    """

    def __init__(self, address: str, *, domain: str = "", root: Path | None = None) -> None:
        context = ssl.create_default_context(cafile=root) if domain else ssl._create_unverified_context()  # noqa: S323 - see above
        self._connection: HTTPConnection = (
            HTTPConnection(address, timeout=ANSWER_SECONDS) if ":" in address
            else HTTPSConnection(domain or address, timeout=ANSWER_SECONDS, context=context)
        )
        # What the name leads to is the test's to say, not this machine's DNS.
        self._connection._create_connection = lambda place, *rest: create_connection(  # type: ignore[attr-defined] # http.client's own hook
            (address.partition(":")[0], place[1]), *rest)
        self.cookie: str | None = None

    def ask(self, query: str, given: dict[str, Any], *, token: str | None = None) -> dict[str, Any]:
        """The payload of a mutation. Raises: AssertionError with the answer, when it is anything else."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        elif self.cookie:
            headers["Cookie"] = self.cookie
        try:
            self._connection.request("POST", "/graphql", json.dumps({"query": query, "variables": {"input": given}}), headers)
            answer = self._connection.getresponse()
            body = answer.read()
        except (OSError, HTTPException):
            self._connection.close()
            raise
        assert answer.status == 200, f"{answer.status}: {body.decode()[:300]}"
        if answer.getheader("Set-Cookie"):
            self.cookie = str(answer.getheader("Set-Cookie")).partition(";")[0]
        (payload,) = json.loads(body)["data"].values()
        assert isinstance(payload, dict)
        return payload

    def look(self, path: str) -> tuple[int, str]:
        """The status of a page, and its text."""
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        return answer.status, answer.read().decode()

    def close(self) -> None:
        self._connection.close()


def join(address: str, username: str) -> str:
    """Register somebody, have them log in, and make them an API token, which is returned."""
    return enter(Wallet(address), username)


def enter(wallet: Wallet, username: str) -> str:
    """The same, with a wallet that is left then."""
    try:
        assert wallet.ask(REGISTER, {"username": username, "password": PASSWORD})["errors"] == []
        assert wallet.ask(LOG_IN, {"username": username, "password": PASSWORD})["errors"] == []
        made = wallet.ask(TOKEN, {"name": "till", "scopes": ["READ", "PAY"]})
        assert made["errors"] == []
        return str(made["secret"])
    finally:
        wallet.close()


@dataclass
class Load:
    """What customers saw."""

    paid: dict[str, float] = field(default_factory=dict)
    """By the ids of payments that were acknowledged: seconds until they were."""
    failed: list[str] = field(default_factory=list)
    """What those were told, or saw, whose payment was not."""
    moments: list[tuple[float, float]] = field(default_factory=list)
    """When each was acknowledged (time.monotonic), and after how many seconds."""
    news: Condition = field(default_factory=Condition)
    """Told of each answer; holds what changes the above."""

    def wait_for(self, payments: int) -> None:
        """Return when so many more were acknowledged. Raises: AssertionError when they do not come."""
        wanted = len(self.paid) + payments
        with self.news:
            assert self.news.wait_for(lambda: len(self.paid) >= wanted, ANSWER_SECONDS), self.failed[:3]

    def p99_seconds(self, *periods: tuple[float, float]) -> float:
        """Of the payments that were acknowledged in these, each from one moment to another (time.monotonic)."""
        took = [seconds for moment, seconds in self.moments if any(since <= moment <= until for since, until in periods)]
        return quantiles(took, n=100)[98]


@contextmanager
def paying(address: str, tokens: dict[str, str], connections: int, pause_seconds: float = PAUSE_SECONDS) -> Iterator[Load]:
    """Have customers pay each other a penny over so many connections, one payment after the other, until the block ends.

    What the block does may be over soon. Then they go on until there are enough payments to show something.
    """
    load, over = Load(), Event()
    names = list(tokens)

    def pay_on_and_on(place: int) -> None:
        wallet = Wallet(address)
        payer, payee = names[place % len(names)], names[(place + 1) % len(names)]
        while not over.wait(pause_seconds):
            key, began = str(uuid4()), time.monotonic()
            try:
                payload = wallet.ask(PAY, {"idempotencyKey": key, "to": payee, "amount": PENNY}, token=tokens[payer])
                seen = "" if payload["payment"] and not payload["errors"] else json.dumps(payload)
            except (OSError, HTTPException, AssertionError) as error:
                seen = f"{type(error).__name__}: {error}"
            ended = time.monotonic()
            with load.news:
                if seen:
                    load.failed.append(seen)
                else:
                    load.paid[key] = ended - began
                    load.moments.append((ended, ended - began))
                load.news.notify_all()
            # To and fro, so that nobody runs out of money, however long it lasts.
            payer, payee = payee, payer
        wallet.close()

    with ThreadPoolExecutor(connections) as executor:
        people = [executor.submit(pay_on_and_on, place) for place in range(connections)]
        try:
            yield load
            load.wait_for(FEWEST_PAYMENTS - len(load.paid))
        finally:
            over.set()
    for each in people:
        each.result()


def check_nothing_lost(host: Host, load: Load) -> None:
    """Every payment that was acknowledged is in the books once, and the books balance. Raises: AssertionError."""
    assert len(load.paid) >= FEWEST_PAYMENTS
    stored = Counter(host.run("psql --username=payment_system_owner --dbname=payment_system --no-align --tuples-only "
                              "--command 'SELECT id FROM ledger.transfers'").stdout.split())
    assert all(stored[key] == 1 for key in load.paid)
    assert max(stored.values()) == 1
    assert "The books balance" in host.run("payment-system ledger verify").stdout
