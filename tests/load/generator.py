"""Owns making the load: a process of its own that asks over kept-alive connections and costs little of the processors measured.

`python -m tests.load.generator` reads one order as JSON from standard input and writes one outcome as JSON. It imports nothing of
the program's, and of an answer it reads no more than its length, its status and whether a marker is in it.
"""

from __future__ import annotations

import json
import random
import re
import select
import socket
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Final

ANSWER_LIMIT_SECONDS: Final = 60
RECEIVED_BYTES: Final = 1 << 18
SHOWN_BYTES: Final = 600
FEWEST: Final = 4
"""Answers on each connection, for a window of time to say anything."""
GOOD: Final = b"HTTP/1.1 200"
LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Request:
    """How one kind of request is put together.

    Attributes:
        heads: the request's head for each payer; one for a request that has none.
        before_key, between, after: the body around the payment's own key and the payee; a body without a key is all `after`.
        payees: who is paid; a request picks another than its payer's place. One payee gets everything.
        items: how many payments a request holds; `separator` is between two, `end` after the last.
        marker: what a good answer holds.
    """

    heads: list[str]
    marker: str
    start: str = ""
    before_key: str = ""
    between: str = ""
    payees: list[str] = field(default_factory=list)
    after: str = ""
    items: int = 0
    separator: str = ","
    end: str = ""

    def bytes(self) -> bytes:
        """The next request: of a random payer, with keys never used before."""
        payer = random.randrange(len(self.heads))  # noqa: S311 - load, no secret
        if not self.items:
            return (self.heads[payer] + self.start + self.end).encode()
        first = random.randrange(max(1, len(self.payees) - 1))  # noqa: S311 - as above
        body = self.separator.join(
            f"{self.before_key}{new_key()}{self.between}{self._payee(payer, first + place)}{self.after}" for place in range(self.items)
        )
        return (self.heads[payer] + self.start + body + self.end).encode()

    def _payee(self, payer: int, place: int) -> str:
        if len(self.payees) == 1:
            return self.payees[0]
        return self.payees[(payer + 1 + place % (len(self.payees) - 1)) % len(self.payees)]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to do: ask on so many connections for so many seconds after settling, or until so many requests are answered."""

    host: str
    port: int
    connections: int
    mix: list[Request]
    """Sent in turn."""
    seconds: float
    settle_seconds: float = 0.5
    requests: int | None = None


@dataclass(kw_only=True)
class Outcome:
    """What came of it. `answered` is all that was, `measured` what was within the seconds."""

    answered: int = 0
    measured: int = 0
    seconds: float = 0
    failures: int = 0
    failure: str = ""
    """The first one, as it came."""
    latencies_ms: dict[str, float] = field(default_factory=dict)
    own_cpu_seconds: float = 0


class Connection:
    """One kept-alive connection with at most one request under way."""

    __slots__ = ("buffer", "marker", "sent_at", "socket", "wanted")

    def __init__(self, order: Order) -> None:
        self.socket = socket.create_connection((order.host, order.port), timeout=ANSWER_LIMIT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self.buffer = b""
        self.wanted = 0
        self.marker = b""

    def send(self, request: Request) -> None:
        data = request.bytes()
        self.marker = request.marker.encode()
        self.buffer = b""
        self.wanted = 0
        self.sent_at = time.perf_counter()
        self.socket.sendall(data)

    def receive(self) -> bool:
        """Read what is there; whether the answer is whole now. Raises: ConnectionError when the server has closed it."""
        data = self.socket.recv(RECEIVED_BYTES)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        self.buffer = self.buffer + data if self.buffer else data
        if not self.wanted:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return False
            length = LENGTH.search(self.buffer, 0, end)
            if length is None:
                raise ConnectionError("an answer without Content-Length")
            self.wanted = end + 4 + int(length[1])
        return len(self.buffer) >= self.wanted

    @property
    def good(self) -> bool:
        return self.buffer.startswith(GOOD) and self.marker in self.buffer


class Run:
    """One order being carried out."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.outcome = Outcome()
        self.answers: list[tuple[float, float]] = []
        """When each good answer was whole, and how long it took."""
        self.sent = 0
        self.poll = select.epoll()
        self.connections: dict[int, Connection] = {}
        self.waiting: set[int] = set()

    def carry_out(self) -> Outcome:
        started = time.perf_counter()
        for _ in range(self.order.connections):
            self._ask(self._connect())
        begun = time.perf_counter() + (0 if self.order.requests else self.order.settle_seconds)
        ended = begun + self.order.seconds
        while self.waiting:
            ready = self.poll.poll(ANSWER_LIMIT_SECONDS)
            if not ready:
                self._failed(f"no answer within {ANSWER_LIMIT_SECONDS} seconds")
                break
            for number, _ in ready:
                self._take(self.connections[number], ended)
        if self.order.requests:
            begun, ended = started, time.perf_counter()
        within = [took for done, took in self.answers if begun <= done <= ended]
        if len(within) < FEWEST * self.order.connections:
            # Answers that take this long would be counted by chance: then all of them count, and all of the time.
            begun, ended, within = started, time.perf_counter(), [took for _, took in self.answers]
        self.outcome.seconds = ended - begun
        self.outcome.measured = len(within)
        self.outcome.latencies_ms = summary(within)
        self.outcome.own_cpu_seconds = time.process_time()
        return self.outcome

    def _connect(self) -> Connection:
        made = Connection(self.order)
        self.connections[made.socket.fileno()] = made
        self.poll.register(made.socket.fileno(), select.EPOLLIN)
        return made

    def _ask(self, connection: Connection) -> None:
        connection.send(self.order.mix[self.sent % len(self.order.mix)])
        self.waiting.add(connection.socket.fileno())
        self.sent += 1

    def _take(self, connection: Connection, ended: float) -> None:
        try:
            if not connection.receive():
                return
        except OSError as error:
            self._failed(str(error))
            self._drop(connection)
            connection = self._connect()
            now = time.perf_counter()
        else:
            now = time.perf_counter()
            self.waiting.discard(connection.socket.fileno())
            self.outcome.answered += 1
            if not connection.good:
                self._failed(connection.buffer[:SHOWN_BYTES].decode(errors="replace"))
            else:
                self.answers.append((now, now - connection.sent_at))
        if now < ended and (self.order.requests is None or self.sent < self.order.requests):
            self._ask(connection)

    def _drop(self, connection: Connection) -> None:
        self.waiting.discard(connection.socket.fileno())
        self.poll.unregister(connection.socket.fileno())
        del self.connections[connection.socket.fileno()]
        connection.socket.close()

    def _failed(self, what: str) -> None:
        self.outcome.failures += 1
        self.outcome.failure = self.outcome.failure or what


def new_key() -> str:
    """A random UUID as text, of version 4, made in a fifth of the time that `uuid4` takes."""
    bits = f"{random.getrandbits(128):032x}"
    return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-8{bits[17:20]}-{bits[20:]}"


def summary(latencies: list[float]) -> dict[str, float]:
    """Mean and percentiles, in milliseconds; empty when nothing was measured."""
    if not latencies:
        return {}
    ordered = sorted(latencies)
    places = {f"p{percent}": ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1000 for percent in (50, 95, 99)}
    return {"mean": sum(ordered) / len(ordered) * 1000, **places, "max": ordered[-1] * 1000}


def main() -> None:
    given: dict[str, Any] = json.load(sys.stdin)
    mix = [Request(**each) for each in given.pop("mix")]
    print(json.dumps(asdict(Run(Order(mix=mix, **given)).carry_out())))  # noqa: T201 - its one answer


if __name__ == "__main__":
    main()
