"""Owns the data folder: its lock, its contents, and that a cluster in it is complete or absent."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess  # nosec B404 # that it starts programs is looked at where it does
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.devdb.account import MACHINE_FOLDER, Account, as_account, can_enter, server_account, set_owner
from app.devdb.errors import DevDatabaseError, explain_os_errors, full_disk_error, reports_full_disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.devdb.programs import Programs

SUPERUSER: Final = "postgres"
CLUSTER_NAME: Final = "postgresql"
UNFINISHED_PREFIX: Final = "postgresql.new-"
LOG_NAME: Final = "postgresql.log"
# At the top of every ext4 file system: a folder that holds only this counts as empty.
IGNORED_NAME: Final = "lost+found"
# PostgreSQL's programs begin an error message with one of these. Hints and quotations follow.
REASON_WORDS: Final = ("error:", "ERROR:", "FATAL:", "PANIC:")
INITDB_LIMIT_SECONDS: Final = 120
# PostgreSQL 17 and newer have their own C.UTF-8, the same on every system. Older ones use the C library's.
FIRST_MAJOR_WITH_OWN_LOCALE: Final = 17


class DataFolder:
    """A locked data folder. Nobody else can use it until this object is closed.

    Attributes:
        path: the folder, absolute.
        cluster: the folder of the cluster, which may not exist yet.
        log: PostgreSQL's log since the last start.
        account: who runs PostgreSQL here; None is the current account.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self.cluster = path / CLUSTER_NAME
        self.log = path / LOG_NAME
        self.account: Account | None = server_account(self.cluster)
        self._lock: int | None = lock

    @classmethod
    def open(cls, path: Path) -> DataFolder:
        """Lock the folder. It is made if it does not exist.

        Raises: DevDatabaseError if it is in use, holds something else, or cannot be reached. Nothing is changed then.
        """
        path = path.absolute()
        with explain_os_errors(path):
            made = not path.exists()
            if made:
                path.mkdir(parents=True)
                # As root, PostgreSQL's account has to pass through this folder. The cluster itself is closed to all others.
                path.chmod(0o711 if server_account() else 0o700)
            lock = _lock_folder(path)
            try:
                folder = cls(path, lock)
                folder._refuse_foreign_contents()
                folder._refuse_unreachable()
            except BaseException:
                os.close(lock)
                if made:
                    path.rmdir()
                raise
        return folder

    def close(self) -> None:
        """Unlock the folder. The kernel unlocks it if this process dies."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def create_cluster(self, programs: Programs, *, durable: bool) -> None:
        """Make the cluster if there is none: under another name first, then renamed, so that an interruption leaves no partial cluster.

        Args:
            durable: sync it to disk; tests do not need that.
        """
        with explain_os_errors(self.path):
            self._remove_unfinished()
            if self.cluster.exists():
                return
            unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED_PREFIX, dir=self.path))
            try:
                set_owner(self.account, unfinished)
                self._initdb(programs, unfinished, durable=durable)
                unfinished.rename(self.cluster)
            except BaseException:
                shutil.rmtree(unfinished, ignore_errors=True)
                raise
            if self._lock is not None and durable:
                # The lock is a file descriptor of the folder: this makes the rename durable.
                os.fsync(self._lock)

    def refuse_other_version(self, programs: Programs) -> None:
        """Raises: DevDatabaseError if the cluster was made by another major version. It is not changed."""
        made_with = data_major_version(self.path)
        if made_with not in (None, programs.major):
            raise DevDatabaseError(
                f"The data in {self.path} was made by PostgreSQL {made_with} and the one here is {programs.major}: "
                f"choose another folder with DATA=…, install PostgreSQL {made_with}, or forget that data with `make reset`; "
                "nothing was changed."
            )

    def delete_data(self) -> None:
        """Delete the cluster and its log, and the folder if it is empty then."""
        with explain_os_errors(self.path):
            self._remove_unfinished()
            if self.cluster.exists():
                shutil.rmtree(self.cluster)
            self.log.unlink(missing_ok=True)
            if not any(self.path.iterdir()) and not self.path.is_mount():
                self.path.rmdir()

    def _refuse_foreign_contents(self) -> None:
        names = {entry.name for entry in self.path.iterdir()} - {IGNORED_NAME, LOG_NAME}
        foreign = sorted(name for name in names if not name.startswith(UNFINISHED_PREFIX))
        if foreign and data_major_version(self.path) is None:
            raise DevDatabaseError(
                f"{self.path} holds other things ({foreign[0]}) and no data of this program: "
                "choose an empty or a new folder with DATA=…; nothing was changed."
            )

    def _refuse_unreachable(self) -> None:
        if self.account is not None and not can_enter(self.account, self.path):
            raise DevDatabaseError(
                f"PostgreSQL refuses to run as root, and the account {self.account.name} that it runs as instead cannot reach "
                f"{self.path}: choose a folder outside root's home with DATA=…, for example DATA={MACHINE_FOLDER / 'data'}."
            )

    def _remove_unfinished(self) -> None:
        for unfinished in self.path.glob(f"{UNFINISHED_PREFIX}*"):
            shutil.rmtree(unfinished)

    def _initdb(self, programs: Programs, target: Path, *, durable: bool) -> None:
        own_locale = programs.major >= FIRST_MAJOR_WITH_OWN_LOCALE
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"] if own_locale else ["--locale=C.UTF-8"]
        # Trust is safe on a socket in a private folder. Network connections are rejected.
        trust = ["--auth-local=trust", "--auth-host=reject", f"--username={SUPERUSER}"]
        command = [programs.path("initdb"), f"--pgdata={target}", "--encoding=UTF8", "--data-checksums", *locale, *trust]
        if not durable:
            command.append("--no-sync")
        done = subprocess.run(  # nosec B603 # no shell; PostgreSQL's own programs
            command,
            cwd="/",
            env=programs.environment,
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=INITDB_LIMIT_SECONDS,
            # Its own session: Ctrl-C reaches this process only, which ends initdb.
            start_new_session=True,
            **as_account(self.account),
        )
        if done.returncode == 0:
            return
        if reports_full_disk(done.stdout + done.stderr):
            raise full_disk_error(self.path)
        raise DevDatabaseError(f"PostgreSQL could not make its data folder in {self.path}: {last_line(done.stderr)}")


def data_major_version(path: Path) -> int | None:
    """The major version of the PostgreSQL that made the data in this folder; None without data."""
    with explain_os_errors(path):
        try:
            return int((path / CLUSTER_NAME / "PG_VERSION").read_text(encoding="ascii"))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None


def last_line(output: str) -> str:
    """The last line of a failed program's output that gives a reason."""
    lines = [line for line in output.splitlines() if line.strip()]
    reasons = [line for line in lines if any(word in line for word in REASON_WORDS)] or lines[-1:]
    return reasons[-1].strip() if reasons else "it gave no reason."


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """A temporary folder that the server's account can reach. For root, pytest's `tmp_path` is not reachable."""
    path = Path(tempfile.mkdtemp(prefix="wave-", dir=parent))
    try:
        path.chmod(0o711 if server_account() else 0o700)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _lock_folder(path: Path) -> int:
    """Lock the folder itself, so that it needs no lock file. Returns the file descriptor."""
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise DevDatabaseError(
            f"Another `make run` is using {path}: stop it first, or choose another folder with DATA=…."
        ) from error
    return lock
