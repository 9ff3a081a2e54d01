"""Owns what is measured: a durable PostgreSQL of its own on a real disk, its databases, and gunicorn as in production for each of them.

Everything here was started by us and ends with us, also when we are killed.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg2

from app import migrations
from app.devdb import Cluster, DevDatabaseError, Programs, child_command, find_programs
from app.devdb.folder import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CHECKOUT: Final = Path(__file__).parents[2]
# What a host of this size would have. Everything durable is on, and said so that nobody's default turns it off.
DURABLE: Final = {
    "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "wal_level": "replica", "autovacuum": "on",
    "shared_buffers": "1GB", "max_wal_size": "4GB", "max_connections": "200",
}
# While the databases are filled nothing can be lost: who is interrupted starts anew.
FILLING: Final = {
    "fsync": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0", "autovacuum": "off",
    "shared_buffers": "1GB", "max_wal_size": "8GB", "max_connections": "20",
}
# Memory dressed as a disk would make every fsync free.
MEMORY_FILE_SYSTEMS: Final = frozenset({"tmpfs", "ramfs", "devtmpfs"})
PLACES: Final = (Path("/var/tmp"), Path(tempfile.gettempdir()), CHECKOUT)  # noqa: S108 - a folder of our own is made in it
START_LIMIT_SECONDS: Final = 60
STOP_LIMIT_SECONDS: Final = 30
SYNC_LIMIT_SECONDS: Final = 300
LOOK_AGAIN_SECONDS: Final = 0.01


class BenchError(Exception):
    """What keeps the bench from being run, and what to do."""


@dataclass(frozen=True)
class Web:
    """A running gunicorn."""

    process_id: int
    port: int
    start_seconds: float
    """From its start to its first answer."""
    log: Path


@dataclass
class Stage:
    """The running PostgreSQL and, for each database that was asked for, a running gunicorn."""

    cluster: Cluster
    folder: Path
    stack: ExitStack
    webs: dict[str, Web] = field(default_factory=dict)

    @property
    def database_process_id(self) -> int:
        process_id = self.cluster.process_id
        assert process_id, "it runs as long as the stage is there"
        return process_id

    def address(self, database: str, role: str = "postgres") -> str:
        """A database's address as libpq takes it."""
        return self.cluster.url(database, role).replace("+psycopg2", "")

    def query(self, database: str, statement: str) -> list[tuple[Any, ...]]:
        """Ask a database as the superuser."""
        connection = psycopg2.connect(self.address(database))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def web(self, database: str) -> Web:
        """The gunicorn of this database; started at the first call and kept."""
        if database not in self.webs:
            self.webs[database] = self.stack.enter_context(serving(self, database))
        return self.webs[database]


@contextmanager
def staged(fill: Mapping[str, Callable[[str], None]]) -> Iterator[Stage]:
    """A durable PostgreSQL with these databases, migrated and filled.

    Args:
        fill: for each database, what fills it, given its address as the superuser.

    Raises: BenchError when there is no disk or no pgbench.
    """
    programs = programs_with_pgbench()
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder(place_on_disk()))
        cluster = stack.enter_context(Cluster.create_or_open(folder / "data", programs))
        stage = Stage(cluster, folder, stack)
        cluster.start(FILLING)
        for name, filler in fill.items():
            cluster.prepare(name)
            migrations.upgrade(cluster.url(name, "payment_system_owner"))
            filler(stage.address(name))
        cluster.stop()
        flush()
        cluster.start(DURABLE)
        yield stage


@contextmanager
def serving(stage: Stage, database: str) -> Iterator[Web]:
    """Gunicorn with the production settings on this database, on a free port, until the context ends."""
    log = stage.folder / f"gunicorn-{database}-{time.monotonic_ns()}.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PAYMENT_SYSTEM_", "DATABASE_"))}
    environment |= {
        "GUNICORN_BIND": "127.0.0.1:0", "PAYMENT_SYSTEM_ENVIRONMENT": "production", "PAYMENT_SYSTEM_THROTTLE_SCALE": "1000",
        "DATABASE_URL": stage.cluster.url(database, "payment_system"),
    }
    begun = time.perf_counter()
    # To a file, as to systemd's journal: a pipe would have us read a line for each request on the processors that are measured.
    with log.open("wb") as output, subprocess.Popen(
        child_command([sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py"], signal=signal.SIGQUIT),
        cwd=CHECKOUT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
    ) as process:
        try:
            port = _await_port(process, log)
            _await_answer(port, process)
            yield Web(process.pid, port, time.perf_counter() - begun, log)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_LIMIT_SECONDS)
            process.kill()


def _await_port(process: subprocess.Popen[bytes], log: Path) -> int:
    limit = time.monotonic() + START_LIMIT_SECONDS
    while time.monotonic() < limit and process.poll() is None:
        if found := re.search(r"Listening at: http://[0-9.]+:(\d+)", log.read_text(errors="replace")):
            return int(found[1])
        time.sleep(LOOK_AGAIN_SECONDS)
    raise BenchError("gunicorn did not start:\n" + log.read_text(errors="replace"))


def _await_answer(port: int, process: subprocess.Popen[bytes]) -> None:
    from http.client import HTTPConnection

    limit = time.monotonic() + START_LIMIT_SECONDS
    while time.monotonic() < limit and process.poll() is None:
        with suppress(OSError):
            connection = HTTPConnection("127.0.0.1", port, timeout=START_LIMIT_SECONDS)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        time.sleep(LOOK_AGAIN_SECONDS)
    raise BenchError("gunicorn does not answer")


def programs_with_pgbench() -> Programs:
    """The PostgreSQL to measure: this machine's if it has pgbench, or else the wheel's."""
    for source in ("machine", "wheel"):
        with suppress(DevDatabaseError):
            programs = find_programs(source)
            if Path(programs.path("pgbench")).is_file():
                return programs
    raise BenchError("No pgbench was found: install your system's package of PostgreSQL.")


def place_on_disk() -> Path:
    """A folder on a real disk, where a temporary one can be made."""
    for place in PLACES:
        if file_system_of(place) not in MEMORY_FILE_SYSTEMS and os.access(place, os.W_OK):
            return place
    raise BenchError("No folder for temporary files is on a disk: name one with TMPDIR=….")


def file_system_of(folder: Path) -> str:
    """The kind of file system that a folder is on. Source: proc_pid_mountinfo(5)."""
    device = folder.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        fields, _, kind = line.partition(" - ")
        if fields.split()[2] == wanted:
            return kind.split()[0]
    return "unknown"


def sync_milliseconds(folder: Path, *, times: int = 50) -> float:
    """How long the disk takes to keep 8 kB for good, in the middle of so many times: what each commit alone has to wait for."""
    took = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(times):
            os.pwrite(file.fileno(), b"x" * 8192, 0)
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - begun)
    return sorted(took)[times // 2] * 1000


def flush() -> None:
    """Have the disk keep all that was filled, so that its writing is no part of what is measured."""
    os.sync()


def free_gigabytes(folder: Path) -> float:
    """What is left on the disk of this folder."""
    return shutil.disk_usage(folder).free / 1e9
