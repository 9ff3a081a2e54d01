"""Owns one running PostgreSQL: started at most once for a data folder, reached through a socket, stopped with its owner.

While it runs, the data folder is locked by us. So a server found working in it can only be what a killed owner left behind, and is
ended before a new one starts: there are never two.
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

from app.devdb.account import give
from app.devdb.errors import DevDatabaseError, full_disk, has_no_room, means_full_disk, told_about
from app.devdb.folder import SUPERUSER, DataFolder, last_line, made_by, temporary_folder
from app.devdb.owner import FAST, IMMEDIATE, LOOK_AGAIN_SECONDS, STOP_LIMIT_SECONDS, end_leftovers, tethered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from app.devdb.programs import Programs

DATABASE: Final = "payment_system"
OWNER_ROLE: Final = "payment_system_owner"
APP_ROLE: Final = "payment_system"
# Only a name here: it is part of the socket's file name, and nothing listens on a network.
PORT: Final = 5432
SOCKET_NAME: Final = f".s.PGSQL.{PORT}"
# sockaddr_un has 108 bytes, the last of them zero. Source: unix(7).
SOCKET_PATH_LIMIT_BYTES: Final = 107
PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9/._-]+")
SHORT_FOLDERS: Final = Path("/tmp")  # nosec B108 # noqa: S108 - the folder made in it is ours alone, which is checked
# Crash recovery after a kill -9 or a power cut replays at most a gigabyte or so.
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
    """A data folder with its PostgreSQL; as a context manager it stops the server and frees the folder."""

    def __init__(self, folder: DataFolder, programs: Programs) -> None:
        self._folder = folder
        self._programs = programs
        self._server: subprocess.Popen[bytes] | None = None

    @classmethod
    def create_or_open(cls, data_folder: Path, programs: Programs, *, durable: bool = True) -> Self:
        """Take a data folder and make sure that there is a cluster in it. Starts nothing.

        Raises: DevDatabaseError when the folder is in use, holds something else, was made by another version or has no room.
        """
        made = not data_folder.exists()
        folder = DataFolder.open(data_folder)
        try:
            folder.refuse_other_version(programs)
            folder.create_cluster(programs, durable=durable)
        except BaseException:
            if made:
                folder.forget()
            folder.close()
            raise
        return cls(folder, programs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def process_id(self) -> int | None:
        """The server's process; None while it does not run."""
        return self._server.pid if self._server and self._server.poll() is None else None

    @property
    def log(self) -> Path:
        """PostgreSQL's own log of the last start."""
        return self._folder.log

    @property
    def programs(self) -> Programs:
        """What this cluster runs on; its other programs, such as pg_dump, are in the same folder."""
        return self._programs

    @property
    def socket_folder(self) -> Path:
        """Where the socket is: in the cluster itself unless its path is too long, or too odd to stand in a list or an address."""
        socket = self._folder.cluster / SOCKET_NAME
        if len(os.fsencode(socket)) <= SOCKET_PATH_LIMIT_BYTES and PLAIN_PATH.fullmatch(str(socket)):
            return self._folder.cluster
        # The same for every start, so that a killed owner leaves one folder behind and not one each time.
        return SHORT_FOLDERS / f"wave-{hashlib.sha256(os.fsencode(self._folder.cluster)).hexdigest()[:16]}"

    def url(self, database: str = DATABASE, role: str = APP_ROLE) -> str:
        """The address of a database for SQLAlchemy, as this role."""
        return f"postgresql+psycopg2://{role}@/{database}?{urlencode({'host': str(self.socket_folder), 'port': PORT}, safe='/')}"

    def start(self, settings: Mapping[str, str] | None = None) -> None:
        """Start the server and return when it takes connections.

        Args:
            settings: PostgreSQL's own, for this start only. Without `listen_addresses` among them it takes connections by its socket alone.

        Raises: DevDatabaseError with the server's own reason; it does not run then.
        """
        # A server of ours that was killed has to be buried first: as long as it is not, its process counts as alive.
        self.stop()
        with told_about(self._folder.path):
            end_leftovers(self._folder.cluster)
            self._make_socket_folder()
            chosen = {
                "listen_addresses": "",
                **(settings or {}),
                "port": str(PORT),
                "unix_socket_directories": str(self.socket_folder),
                "timezone": "UTC", "log_timezone": "UTC",
            }
            command = [self._programs.path("postgres"), "-D", str(self._folder.cluster), *(f"--{name}={chosen[name]}" for name in chosen)]
            # A fresh log for each start bounds it. Removed and made anew, never followed: the old one may be another account's.
            self._folder.log.unlink(missing_ok=True)
            with self._folder.log.open("xb") as log:
                self._server = subprocess.Popen(  # nosec B603 # no shell; PostgreSQL's own programs
                    tethered(command, signal=FAST, account=self._folder.account),
                    cwd="/",
                    env=self._programs.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    # Ctrl-C in the terminal is for us; the server goes when we tell it, after the web server.
                    start_new_session=True,
                )
        try:
            self._await_ready(self._server)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server, politely first, and return when it is gone. Without a server it does nothing."""
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
        """Stop the server and let others use the folder."""
        self.stop()
        self._folder.close()

    def prepare(self, database: str = DATABASE) -> None:
        """Make sure that the wallet's two roles and a database of this name exist; the owner owns it, and only the two may connect.

        Neither role is a superuser or may make databases and roles, as on a real host.
        """
        self.run_sql(PREPARE, database=database, owner=OWNER_ROLE, app=APP_ROLE)

    def run_sql(self, statements: str, **variables: str) -> None:
        """Run SQL as the superuser in the database `postgres`; each variable is `:'name'` or `:"name"` there, as psql quotes it."""
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

    def disk_is_full(self) -> bool:
        """Whether the server has met a full disk since its start, or meets one now."""
        return means_full_disk(self._log_text()) or has_no_room(self._folder.path)

    def _make_socket_folder(self) -> None:
        folder = self.socket_folder
        # Nobody serves this cluster now, so the lock beside the socket is stale, and its process number may be anybody's by now.
        (folder / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
        if folder == self._folder.cluster:
            return
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            give(self._folder.account, folder)
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
                server.wait(LOOK_AGAIN_SECONDS)
                raise self._failure(self._log_text())

    def _failure(self, output: str) -> DevDatabaseError:
        if means_full_disk(output) or self.disk_is_full():
            return full_disk(self._folder.path)
        reason, place = last_line(output), self._folder.path
        return DevDatabaseError(
            f"PostgreSQL could not use {place} ({reason}): read {self._folder.log}, or choose another folder with DATA=…."
        )

    def _log_text(self) -> str:
        try:
            return self._folder.log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""


def forget(data_folder: Path) -> bool:
    """Remove the data in this folder, ending a server that a killed owner left; nothing else in it is touched.

    Returns: whether there was any.

    Raises: DevDatabaseError when it is in use or holds something else.
    """
    if not data_folder.exists():
        return False
    folder = DataFolder.open(data_folder)
    try:
        existed = made_by(data_folder) is not None
        end_leftovers(folder.cluster)
        folder.forget()
    finally:
        folder.close()
    return existed


@contextmanager
def temporary_cluster(
    programs: Programs, settings: Mapping[str, str] | None = None, *, parent: Path | None = None
) -> Iterator[Cluster]:
    """A running, prepared cluster for tests, gone afterwards. It does not wait for the disk, which a test has no use for.

    Args:
        parent: where its folder is made; the system's place for temporary files when absent.
    """
    with temporary_folder(parent) as folder, Cluster.create_or_open(folder / "data", programs, durable=False) as cluster:
        cluster.start({"fsync": "off", **(settings or {})})
        cluster.prepare()
        yield cluster


def _is_ready(cluster: Path, process_id: int) -> bool:
    """What pg_ctl waits for: PostgreSQL writes its state into postmaster.pid."""
    try:
        lines = (cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > STATUS_LINE and lines[0] == str(process_id) and lines[STATUS_LINE].strip() == "ready"
