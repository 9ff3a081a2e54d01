"""Owns what is to be broken: a durable PostgreSQL with people in it, and gunicorn as systemd starts it, on a socket that others hold."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg2

from app import migrations
from app.devdb import Cluster, find_programs
from app.devdb.folder import temporary_folder
from tests.faults.processes import end_now, wait_for_end
from tests.gunicorn import CHECKOUT
from tests.load.accounting import children
from tests.load.history import Filling
from tests.load.stage import DURABLE, place_on_disk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PEOPLE: Final = [f"p{place:05}" for place in range(1, 9)]
SERVING_AGAIN_SECONDS: Final = 10
"""After whatever was broken is whole again."""
START_LIMIT_SECONDS: Final = 60
"""Beside other tests on two cores; nothing is said of it."""
SETTINGS: Final = {**DURABLE, "shared_buffers": "128MB", "max_wal_size": "256MB"}
LOG_LINES_SHOWN: Final = 40
WRITE_AHEAD_FILES: Final = 12


class Stand:
    """A wallet that can be broken. The socket is this process's, as it is systemd's on a host: it outlives every gunicorn."""

    def __init__(self, cluster: Cluster, folder: Path, settings: Mapping[str, str]) -> None:
        self.cluster = cluster
        self.settings = settings
        self.environment: dict[str, str] = {}
        self.prefix: list[str] = []
        """What gunicorn is started by, such as a program that gives it another network."""
        self.database_url = cluster.url("wave")
        self._log = folder / "gunicorn.log"
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self.port: int = self._socket.getsockname()[1]
        self.gunicorn: subprocess.Popen[bytes] | None = None

    def serve(self) -> None:
        """Start gunicorn; requests wait in the socket until it serves."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PAYMENT_SYSTEM_", "DATABASE_"))}
        environment = inherited | {"DATABASE_URL": self.database_url, "PAYMENT_SYSTEM_ENVIRONMENT": "production", **self.environment}
        # Source: sd_listen_fds(3). The first socket is number 3, and the process that it is for is named by its own number.
        start = f'exec 3<&{self._socket.fileno()} && LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'
        command = ["bash", "-c", start, "bash", sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py"]
        with self._log.open("ab") as log:
            self.gunicorn = subprocess.Popen(
                [*self.prefix, *command], cwd=CHECKOUT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[self._socket.fileno()],
            )

    def workers(self) -> list[int]:
        """Gunicorn's serving processes; waits until there are as many as there shall be."""
        limit = time.monotonic() + SERVING_AGAIN_SECONDS
        while time.monotonic() < limit:
            assert self.gunicorn
            if len(found := children(self.gunicorn.pid)) > 1:
                return found
        raise AssertionError(f"gunicorn has no two workers:\n{self.log()}")

    def end_gunicorn(self) -> None:
        """Kill -9 of all of it."""
        assert self.gunicorn
        workers = children(self.gunicorn.pid)
        end_now(self.gunicorn.pid, *workers)
        self.gunicorn.wait()
        wait_for_end(workers, seconds=SERVING_AGAIN_SECONDS)

    def ready(self) -> bool:
        """Whether it says of itself that it can serve; a request waits in the socket until it has started."""
        with suppress(OSError, HTTPException), closing(HTTPConnection("127.0.0.1", self.port, timeout=START_LIMIT_SECONDS)) as asked:
            asked.request("GET", "/readyz")
            return asked.getresponse().status == 200
        return False

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """What the database says, asked as its superuser."""
        with closing(psycopg2.connect(self.cluster.url("wave", "postgres").replace("+psycopg2", ""))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

    def allow(self, addresses: str) -> None:
        """Have PostgreSQL believe whoever comes from these addresses."""
        ((file,),) = self.ask("SHOW hba_file")
        with Path(file).open("a", encoding="utf-8") as rules:
            rules.write(f"host wave payment_system {addresses} trust\n")
        self.ask("SELECT pg_reload_conf()")

    def fill_write_ahead_log(self) -> None:
        """Have as many of its files there, to be used again, as there are on a server that has run for days."""
        for _ in range(WRITE_AHEAD_FILES):
            self.ask("SELECT pg_logical_emit_message(false, 'filling', 'x')")
            self.ask("SELECT pg_switch_wal()")
        self.ask("CHECKPOINT")

    def log(self) -> str:
        """Gunicorn's last lines."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:])

    def close(self) -> None:
        if self.gunicorn:
            self.gunicorn.terminate()
            self.gunicorn.wait()
        self._socket.close()


@contextmanager
def stand(
    folder: Path | None = None, settings: Mapping[str, str] | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[Stand]:
    """A wallet with PEOPLE, not served yet; all of it is gone afterwards.

    Args:
        folder: where its PostgreSQL keeps its data; a place on a disk when absent.
        settings: PostgreSQL's, besides SETTINGS.
        environment: of PostgreSQL's programs, besides their own.
    """
    programs = find_programs()
    programs = replace(programs, environment={**programs.environment, **(environment or {})})
    with temporary_folder(folder or place_on_disk()) as place:
        chosen = {**SETTINGS, **(settings or {})}
        with Cluster.create_or_open(place / "data", programs) as cluster:
            cluster.start(chosen)
            cluster.prepare("wave")
            migrations.upgrade(cluster.url("wave", "payment_system_owner"))
            with Filling(cluster.url("wave", "postgres").replace("+psycopg2", "")) as filling:
                filling.people(len(PEOPLE))
                filling.finish()
            made = Stand(cluster, place, chosen)
            try:
                yield made
            finally:
                made.close()
