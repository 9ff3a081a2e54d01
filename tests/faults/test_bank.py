"""The bank: everybody pays everybody for a minute, and at no moment is a penny more or less there."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from tests.faults.histories import judge, paying
from tests.faults.stand import PEOPLE, Stand
from tests.load.history import OPENING, token_of

if TYPE_CHECKING:
    from tests.conftest import Figure

pytestmark = pytest.mark.timeout(1800)

SECONDS, CLIENTS, FEWEST_PAYMENTS = 60, 20, 5000
TOTAL = "SELECT sum(balance)::bigint, min(balance) >= 0 FROM ledger.accounts WHERE kind = 'wallet'"
WALLET = "{ viewer { wallet { balance { amount } payments(first: 1) { nodes { balanceAfter { amount } } } } } }"


class Reader:
    """Looks at the total and, by the API, at a wallet, over and over."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._over = Event()
        self.totals: set[tuple[object, ...]] = set()
        self.reads = 0
        self.torn: list[str] = []
        self._thread = Thread(target=self._read)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _read(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._stand.port, timeout=60)
        while not self._over.is_set():
            self.totals.update(self._stand.ask(TOTAL))
            owner = PEOPLE[self.reads % len(PEOPLE)]
            connection.request("POST", "/graphql", json.dumps({"query": WALLET}), {
                "Content-Type": "application/json", "Authorization": f"Bearer {token_of(owner)}"})
            wallet = json.loads(connection.getresponse().read())["data"]["viewer"]["wallet"]
            if wallet["payments"]["nodes"][0]["balanceAfter"] != wallet["balance"]:
                self.torn.append(str(wallet))
            self.reads += 1
        connection.close()


def test_every_total_is_right_while_everybody_pays_everybody(serving_stand: Stand, times: int, figure: Figure) -> None:
    with paying(serving_stand, clients=CLIENTS) as history:
        reader = Reader(serving_stand)
        end = time.monotonic() + SECONDS * times
        while time.monotonic() < end:
            history.wait_for(100)
        reader.stop()
    judge(serving_stand, history)
    assert reader.totals == {(len(PEOPLE) * OPENING, True)}
    assert reader.torn == []
    assert reader.reads > 100
    assert history.count("ok") >= FEWEST_PAYMENTS * times
    assert history.count("refused") > 0
    figure(f"bank: {history.count('ok'):,} payments, {history.count('refused'):,} refused, {reader.reads:,} reads, every total right")
