"""Owns the test clusters of the development database: made quickly, owned by this or another process, and queried."""

from __future__ import annotations

import atexit
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import psycopg2
import pytest

from app.devdb import Cluster, DevDatabaseError, Programs, find_programs
from app.devdb.folder import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).parent.parent.parent

Source = Literal["machine", "wheel"]


def programs_of(source: Source) -> Programs:
    try:
        return find_programs(source)
    except DevDatabaseError:
        pytest.skip(f"no PostgreSQL programs from the {source} here")


@cache
def template(programs: Programs) -> Path:
    """A new cluster that is made once. Copying it takes a fifth of the time."""
    folder = ExitStack()
    atexit.register(folder.close)
    path = folder.enter_context(temporary_folder()) / "data"
    Cluster.create_or_open(path, programs, durable=False).close()
    return path


def opened(data: Path, programs: Programs) -> Cluster:
    if not data.exists():
        subprocess.run(["/bin/cp", "-a", template(programs), data], check=True)
    return Cluster.create_or_open(data, programs, durable=False)


def ask(cluster: Cluster, question: str, *, database: str = "payment_system", role: str = "payment_system") -> Any:
    connection = psycopg2.connect(host=str(cluster.socket_folder), port=5432, dbname=database, user=role)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(question)
            return cursor.fetchone() if cursor.description else None
    finally:
        connection.close()


@contextmanager
def owner_elsewhere(data: Path, source: Source) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another process that owns a running cluster. Yields the process and the server's process id."""
    script = (
        "import sys; from pathlib import Path; from app.devdb import Cluster, find_programs\n"
        "cluster = Cluster.create_or_open(Path(sys.argv[1]), find_programs(sys.argv[2]), durable=False)\n"
        "cluster.start(); cluster.prepare(); print(cluster.process_id, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(data), source]
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdout is not None
            yield owner, int(owner.stdout.readline())
        finally:
            owner.kill()
