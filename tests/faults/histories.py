"""Owns clients that remember what they asked and what they were told, and the judge who compares it with the books.

Each payment is invoked and ends as ok, as refused, or as unknown; an unknown one is sent again under the same id until it is known.
Source: the histories of Jepsen's tests, invoke → ok | fail | info.
"""

from __future__ import annotations

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from threading import Condition, Event
from typing import TYPE_CHECKING, Final, Literal
from uuid import uuid4

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from app import ledger
from tests.faults.stand import PEOPLE
from tests.load.history import OPENING, token_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.stand import Stand

PAY: Final = "mutation P($input: SendPaymentInput!) { sendPayment(input: $input) { replayed payment { id } errors { code } } }"
# Half of what somebody has at first: some payments are beyond what is left.
LARGEST_MINOR_UNITS: Final = OPENING // 2
ANSWER_LIMIT_SECONDS: Final = 60
RESOLVING_SECONDS: Final = 60
"""How long what is unknown at the end is asked for."""
AGAIN_SECONDS: Final = 0.05
# What says for sure that nothing was done, and that the same may be sent again.
AGAIN_CODES: Final = frozenset({"CONFLICT_RETRY", "RATE_LIMITED"})
BOOKS: Final = """
    SELECT t.id::text, payer.username, payee.username, t.amount FROM ledger.transfers t
    JOIN users payer ON payer.account_id = t.source JOIN users payee ON payee.account_id = t.destination WHERE t.kind = 'payment'
"""
BALANCES: Final = "SELECT username, balance FROM users JOIN ledger.accounts a ON a.id = account_id"

Outcome = Literal["ok", "refused", "unknown"]


@dataclass(slots=True)
class Payment:
    """What somebody meant to pay, and what they know of it."""

    payer: str
    payee: str
    amount: int
    """Minor units."""
    key: str = field(default_factory=lambda: str(uuid4()))
    outcome: Outcome = "unknown"
    invoked_seconds: float = field(default_factory=time.monotonic)
    sent: int = 0

    def body(self) -> str:
        """The request."""
        given = {"idempotencyKey": self.key, "to": self.payee, "amount": f"{self.amount // 100}.{self.amount % 100:02}"}
        return json.dumps({"query": PAY, "variables": {"input": given}})


@dataclass
class History:
    """What all clients saw."""

    payments: list[Payment] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """Answers that nobody may get, whatever is broken."""
    unavailable: int = 0
    """How often one was told, or saw, that it is unknown."""
    slowest_seconds: float = 0
    known: int = 0
    """Payments that are acknowledged or refused."""
    news: Condition = field(default_factory=Condition)
    _last_ok_invoked: float = 0

    def note(self, payment: Payment, outcome: Outcome, began: float, wrong: str = "") -> None:
        """What came of one request."""
        with self.news:
            payment.outcome = outcome
            self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)
            self.unavailable += outcome == "unknown"
            self.known += outcome != "unknown"
            if wrong:
                self.wrong.append(wrong)
            if outcome == "ok":
                self._last_ok_invoked = max(self._last_ok_invoked, began)
            self.news.notify_all()

    def wait_for_ok(self, *, since: float, seconds: float) -> float:
        """Wait until a payment is acknowledged that was sent after a moment; returns how long after that moment.

        Raises: AssertionError when none is for so long.
        """
        with self.news:
            assert self.news.wait_for(lambda: self._last_ok_invoked > since, seconds), f"nothing was paid within {seconds} s"
        return time.monotonic() - since

    def wait_for(self, count: int) -> None:
        """Wait until so many more payments are acknowledged or refused."""
        with self.news:
            wanted = self.known + count
            assert self.news.wait_for(lambda: self.known >= wanted, ANSWER_LIMIT_SECONDS), self.wrong[:3]

    def go_on_for(self, seconds: float) -> None:
        """Let the clients go on for so long: as long as what was broken is to be broken."""
        with self.news:
            self.news.wait_for(lambda: False, seconds)

    def wait_for_unavailable(self, count: int) -> None:
        """Wait until so many more are told that it is unknown."""
        with self.news:
            wanted = self.unavailable + count
            assert self.news.wait_for(lambda: self.unavailable >= wanted, ANSWER_LIMIT_SECONDS), "all went on as if nothing were broken"

    def told(self) -> str:
        """The whole in one line."""
        return (f"{self.count('ok'):,} acknowledged, 0 lost, 0 doubled; {self.unavailable:,} times unknown, all resolved; "
                f"slowest request {self.slowest_seconds:.1f} s")

    def count(self, outcome: Outcome) -> int:
        """How many payments ended so."""
        return sum(each.outcome == outcome for each in self.payments)


class Client:
    """One connection, one payment after the other."""

    def __init__(self, port: int, history: History, over: Event, seed: int) -> None:
        self._port = port
        self._history = history
        self._over = over
        self._chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
        self._connection = HTTPConnection("127.0.0.1", port, timeout=ANSWER_LIMIT_SECONDS)

    def pay_on_and_on(self) -> None:
        """Until it is over, and then until all that was sent is known."""
        while not self._over.is_set():
            payer, payee = self._chance.sample(PEOPLE, 2)
            payment = Payment(payer, payee, self._chance.randint(1, LARGEST_MINOR_UNITS))
            with self._history.news:
                self._history.payments.append(payment)
            end: float | None = None
            while self._send(payment) == "unknown":
                end = end or (time.monotonic() + RESOLVING_SECONDS if self._over.is_set() else None)
                if end and time.monotonic() > end:
                    break
                # Anybody may go on at once; a client that waits for nothing would only measure itself.
                self._over.wait(AGAIN_SECONDS)
        self._connection.close()

    def _send(self, payment: Payment) -> Outcome:
        began = time.monotonic()
        payment.sent += 1
        wrong = ""
        try:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token_of(payment.payer)}"}
            self._connection.request("POST", "/graphql", payment.body(), headers)
            answer = self._connection.getresponse()
            outcome, wrong = _read(answer.status, answer.read().decode(), payment)
        except (OSError, HTTPException):
            self._connection.close()
            outcome = "unknown"
        self._history.note(payment, outcome, began, wrong)
        return outcome


def _read(status: int, text: str, payment: Payment) -> tuple[Outcome, str]:
    """What an answer says, and the answer itself if nobody may get such a one."""
    if status in (429, 503):
        return "unknown", ""
    if status != 200 or "data" not in (given := json.loads(text)) or not given["data"]:
        return "unknown", f"{status}: {text[:300]}"
    payload = given["data"]["sendPayment"]
    codes = {each["code"] for each in payload["errors"]}
    if not codes and payload["payment"]["id"] == payment.key:
        return "ok", ""
    if codes == {"INSUFFICIENT_FUNDS"}:
        return "refused", ""
    return "unknown", "" if codes and codes <= AGAIN_CODES else f"{status}: {text[:300]}"


@contextmanager
def paying(stand: Stand, *, clients: int) -> Iterator[History]:
    """So many clients pay on and on until the block ends, and then find out what is unknown still."""
    history, over = History(), Event()
    with ThreadPoolExecutor(clients) as pool:
        working = [pool.submit(Client(stand.port, history, over, seed).pay_on_and_on) for seed in range(clients)]
        try:
            yield history
        finally:
            over.set()
    for each in working:
        each.result()


def judge(stand: Stand, history: History) -> None:
    """Compare what the clients know with the books. Raises: AssertionError with the first difference."""
    assert history.wrong == [], stand.log()
    assert history.count("unknown") == 0, "not every unknown was resolved by its id"
    known = {each.key: each for each in history.payments}
    rows = stand.ask(BOOKS)
    stored = {key: (payer, payee, amount) for key, payer, payee, amount in rows}
    assert len(rows) == len(stored)
    told = {key: (each.payer, each.payee, each.amount) for key, each in known.items() if each.outcome == "ok"}
    lost, doubled_or_untold = told.keys() - stored.keys(), stored.keys() - told.keys()
    assert (lost, doubled_or_untold) == (set(), set())
    assert stored == told
    balances = dict.fromkeys(PEOPLE, OPENING)
    for payer, payee, amount in told.values():
        balances[payer] -= amount
        balances[payee] += amount
    assert dict(stand.ask(BALANCES)) == balances
    engine = create_engine(stand.cluster.url("wave"))
    try:
        with Session(engine) as session:
            assert ledger.verify(session) == []
    finally:
        engine.dispose()
