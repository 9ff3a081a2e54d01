"""Owns counting what really goes to PostgreSQL: a relay before its socket that writes down every query, whoever sends it.

Each simple query is one round trip, BEGIN, COMMIT and a pool's pings included, which no counter of SQLAlchemy's or PostgreSQL's shows.
Source: PostgreSQL's manual, "Frontend/Backend Protocol", Message Formats.
"""

from __future__ import annotations

import socket
import struct
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

SOCKET_NAME: Final = ".s.PGSQL.5432"
QUERY, BIND = b"Q", b"B"


class Wire:
    """The queries that have passed so far, in the order in which they were seen."""

    def __init__(self, folder: Path, target: str) -> None:
        self.folder = folder
        self._target = target
        self._queries: list[str] = []
        self._lock = Lock()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(folder / SOCKET_NAME))
        self._listening.listen(100)
        self._open: list[socket.socket] = [self._listening]
        Thread(target=self._accept, daemon=True).start()

    def url(self, direct_url: str) -> str:
        """The same database's address, by way of here."""
        return direct_url.replace(self._target, str(self.folder))

    def taken(self) -> list[str]:
        """The queries since the last call."""
        with self._lock:
            taken, self._queries = self._queries, []
        return taken

    def close(self) -> None:
        """Cut every connection."""
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(f"{self._target}/{SOCKET_NAME}")
                self._open += [client, server]
                Thread(target=self._forward, args=(client, server), daemon=True).start()
                Thread(target=_copy, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError, EOFError):
            # The first message has no type. Its length counts itself.
            start = _exactly(client, 4)
            server.sendall(start + _exactly(client, struct.unpack("!I", start)[0] - 4))
            while True:
                kind, length = _exactly(client, 1), _exactly(client, 4)
                content = _exactly(client, struct.unpack("!I", length)[0] - 4)
                if kind in (QUERY, BIND):
                    with self._lock:
                        self._queries.append(content.rstrip(b"\0").decode(errors="replace"))
                server.sendall(kind + length + content)
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)


@contextmanager
def wire_to(direct_url: str, folder: Path) -> Iterator[Wire]:
    """A relay to the PostgreSQL of this address, with its socket in this folder."""
    wire = Wire(folder, parse_qs(urlsplit(direct_url).query)["host"][0])
    try:
        yield wire
    finally:
        wire.close()


def _exactly(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = client.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _copy(server: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        while data := server.recv(1 << 16):
            client.sendall(data)
        client.shutdown(socket.SHUT_WR)
