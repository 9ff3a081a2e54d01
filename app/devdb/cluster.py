"""Owns one running PostgreSQL: at most one for a data folder, reached through a socket, stopped with its owner.

The owner locks the data folder. So a server that is found in an unlocked folder is orphaned, and it is ended before a new one starts.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import subprocess  # nosec B404 # that it starts programs is looked at where it does
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlencode

from app.devdb.account import set_owner
from app.devdb.errors import DevDatabaseError, explain_os_errors, full_disk_error, is_disk_full, reports_full_disk
from app.devdb.folder import SUPERUSER, DataFolder, data_major_version, last_line, temporary_folder
from app.devdb.server_process import FAST, IMMEDIATE, POLL_SECONDS, STOP_LIMIT_SECONDS, child_command, end_orphaned_servers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from app.devdb.programs import Programs

DATABASE: Final = "payment_system"
OWNER_ROLE: Final = "payment_system_owner"
APP_ROLE: Final = "payment_system"
# Part of the socket's file name only: nothing listens on a network.
PORT: Final = 5432
SOCKET_NAME: Final = f".s.PGSQL.{PORT}"
# sockaddr_un has 108 bytes, the last one is zero. Source: unix(7).
SOCKET_PATH_LIMIT_BYTES: Final = 107
PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9/._-]+")
SHORT_FOLDERS: Final = Path("/tmp")  # nosec B108 # noqa: S108 - the folder in it is ours alone, which is checked
# Crash recovery after a kill -9 or a power cut replays about a gigabyte at most.
START_LIMIT_SECONDS: Final = 60
SQL_LIMIT_SECONDS: Final = 60
STATUS_LINE: Final = 7

PREPARE: Final = """
SELECT format('CREATE ROLE %I LOGIN', wanted) FROM unnest(ARRAY[:'owner', :'app']) AS wanted
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) \\gexec
ALTER ROLE :"owner" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
ALTER ROLE :"app" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'owner')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \\gexec
REVOKE CONNECT ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"owner", :"app";
"""


class Cluster:
    """A data folder with its PostgreSQL. As a context manager it stops the server and unlocks the folder."""

    def __init__(self, folder: DataFolder, programs: Programs) -> None:
        self._folder = folder
        self._programs = programs
        self._server: subprocess.Popen[bytes] | None = None

    @classmethod
    def create_or_open(cls, data_folder: Path, programs: Programs, *, durable: bool = True) -> Self:
        """Lock a data folder and make a cluster in it if there is none. Starts nothing.

        Raises: DevDatabaseError if the folder is in use, holds something else, was made by another version, or is full.
        """
        made = not data_folder.exists()
        folder = DataFolder.open(data_folder)
        try:
            folder.refuse_other_version(programs)
            folder.create_cluster(programs, durable=durable)
        except BaseException:
            if made:
                folder.delete_data()
            folder.close()
            raise
        return cls(folder, programs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def process_id(self) -> int | None:
        """The server's process id; None while it does not run."""
        return self._server.pid if self._server and self._server.poll() is None else None

    @property
    def log(self) -> Path:
        """PostgreSQL's log since the last start."""
        return self._folder.log

    @property
    def programs(self) -> Programs:
        """The programs of this cluster. Others, such as pg_dump, are in the same folder."""
        return self._programs

    @property
    def socket_folder(self) -> Path:
        """The folder of the socket: the cluster, unless its path is too long, or has characters that a URL or a list cannot hold."""
        socket = self._folder.cluster / SOCKET_NAME
        if len(os.fsencode(socket)) <= SOCKET_PATH_LIMIT_BYTES and PLAIN_PATH.fullmatch(str(socket)):
            return self._folder.cluster
        # The same name at every start, so that killed owners leave one folder behind, not many.
        return SHORT_FOLDERS / f"wave-{hashlib.sha256(os.fsencode(self._folder.cluster)).hexdigest()[:16]}"

    def url(self, database: str = DATABASE, role: str = APP_ROLE) -> str:
        """The SQLAlchemy URL of a database, as this role."""
        return f"postgresql+psycopg2://{role}@/{database}?{urlencode({'host': str(self.socket_folder), 'port': PORT}, safe='/')}"

    def start(self, settings: Mapping[str, str] | None = None) -> None:
        """Start the server and return when it accepts connections.

        Args:
            settings: PostgreSQL's settings, for this start only. Without `listen_addresses` it listens on the socket only.

        Raises: DevDatabaseError with the server's reason; it does not run then.
        """
        # A killed server has to be reaped first: until then its process counts as alive.
        self.stop()
        with explain_os_errors(self._folder.path):
            end_orphaned_servers(self._folder.cluster)
            self._make_socket_folder()
            chosen = {
                "listen_addresses": "",
                **(settings or {}),
                "port": str(PORT),
                "unix_socket_directories": str(self.socket_folder),
                "timezone": "UTC", "log_timezone": "UTC",
            }
            command = [self._programs.path("postgres"), "-D", str(self._folder.cluster), *(f"--{name}={chosen[name]}" for name in chosen)]
            # A new log for each start limits its size. The old file is removed, not reused: another account may own it.
            self._folder.log.unlink(missing_ok=True)
            with self._folder.log.open("xb") as log:
                self._server = subprocess.Popen(  # nosec B603 # no shell; PostgreSQL's own programs
                    child_command(command, signal=FAST, account=self._folder.account),
                    cwd="/",
                    env=self._programs.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    # Its own session: Ctrl-C reaches this process only, which stops the server after the web server.
                    start_new_session=True,
                )
        try:
            self._await_ready(self._server)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server, gracefully first, and return when it has ended. Without a server it does nothing."""
        if self._server is None:
            return
        for signal in (FAST, IMMEDIATE):
            self._server.send_signal(signal)
            with suppress(subprocess.TimeoutExpired):
                self._server.wait(STOP_LIMIT_SECONDS)
                break
        else:
            self._server.kill()
            self._server.wait()
        self._server = None
        if self.socket_folder != self._folder.cluster:
            with suppress(OSError):
                self.socket_folder.rmdir()

    def close(self) -> None:
        """Stop the server and unlock the folder."""
        self.stop()
        self._folder.close()

    def prepare(self, database: str = DATABASE) -> None:
        """Make the wallet's two roles and a database of this name if they are missing. Only the two roles may connect.

        As on a real host, neither role is a superuser or may make databases and roles.
        """
        self.run_sql(PREPARE, database=database, owner=OWNER_ROLE, app=APP_ROLE)

    def run_sql(self, statements: str, **variables: str) -> None:
        """Run SQL by psql as the superuser in the database `postgres`. The SQL refers to a variable as `:'name'` or `:"name"`."""
        where = [f"--host={self.socket_folder}", f"--port={PORT}", f"--username={SUPERUSER}", "--dbname=postgres"]
        assigned = [f"--set={name}={value}" for name, value in {"ON_ERROR_STOP": "1", **variables}.items()]
        done = subprocess.run(  # nosec B603 # no shell; PostgreSQL's own programs
            [self._programs.path("psql"), "--no-psqlrc", "--quiet", "--tuples-only", *where, *assigned],
            input=statements,
            cwd="/",
            env=self._programs.environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=SQL_LIMIT_SECONDS,
            start_new_session=True,
        )
        if done.returncode != 0:
            raise self._failure(done.stderr)

    def has_full_disk(self) -> bool:
        """Whether the server had a full disk since its start, or has one now."""
        return reports_full_disk(self._log_text()) or is_disk_full(self._folder.path)

    def _make_socket_folder(self) -> None:
        folder = self.socket_folder
        # No server runs, so the lock file of the socket is stale, and its process id may belong to another program.
        (folder / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
        if folder == self._folder.cluster:
            return
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            set_owner(self._folder.account, folder)
        found = folder.lstat()
        uid = self._folder.account.uid if self._folder.account else os.geteuid()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or found.st_mode & 0o077:
            place = self._folder.path
            raise DevDatabaseError(f"{folder} is not ours, and {place} is too long for a socket: choose a shorter one with DATA=….")

    def _await_ready(self, server: subprocess.Popen[bytes]) -> None:
        limit = time.monotonic() + START_LIMIT_SECONDS
        while not _is_ready(self._folder.cluster, server.pid):
            if time.monotonic() > limit:
                raise DevDatabaseError(f"PostgreSQL was not ready within {START_LIMIT_SECONDS} seconds: read {self._folder.log}.")
            with suppress(subprocess.TimeoutExpired):
                server.wait(POLL_SECONDS)
                raise self._failure(self._log_text())

    def _failure(self, output: str) -> DevDatabaseError:
        if reports_full_disk(output) or self.has_full_disk():
            return full_disk_error(self._folder.path)
        reason, place = last_line(output), self._folder.path
        return DevDatabaseError(
            f"PostgreSQL could not use {place} ({reason}): read {self._folder.log}, or choose another folder with DATA=…."
        )

    def _log_text(self) -> str:
        try:
            return self._folder.log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""


def delete_data(data_folder: Path) -> bool:
    """Delete the data in this folder and end an orphaned server. Other files in the folder stay.

    Returns: whether there was any data.

    Raises: DevDatabaseError if the folder is in use or holds something else.
    """
    if not data_folder.exists():
        return False
    folder = DataFolder.open(data_folder)
    try:
        existed = data_major_version(data_folder) is not None
        end_orphaned_servers(folder.cluster)
        folder.delete_data()
    finally:
        folder.close()
    return existed


@contextmanager
def temporary_cluster(
    programs: Programs, settings: Mapping[str, str] | None = None, *, parent: Path | None = None
) -> Iterator[Cluster]:
    """A running cluster with roles and database for tests, deleted afterwards. It does not sync to disk, which tests do not need.

    Args:
        parent: where its folder is made; the system's folder for temporary files by default.
    """
    with temporary_folder(parent) as folder, Cluster.create_or_open(folder / "data", programs, durable=False) as cluster:
        cluster.start({"fsync": "off", **(settings or {})})
        cluster.prepare()
        yield cluster


def _is_ready(cluster: Path, process_id: int) -> bool:
    """Whether PostgreSQL has written `ready` into postmaster.pid, as pg_ctl waits for."""
    try:
        lines = (cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > STATUS_LINE and lines[0] == str(process_id) and lines[STATUS_LINE].strip() == "ready"
