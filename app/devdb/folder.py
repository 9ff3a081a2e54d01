"""Owns the data folder: who may use it, what lies in it, and that a cluster in it is whole or not there at all."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess  # nosec B404 # that it starts programs is looked at where it does
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.devdb.account import MACHINE_FOLDER, Account, as_account, can_enter, give, server_account
from app.devdb.errors import DevDatabaseError, full_disk, means_full_disk, told_about

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.devdb.programs import Programs

SUPERUSER: Final = "postgres"
CLUSTER_NAME: Final = "postgresql"
UNFINISHED_PREFIX: Final = "postgresql.new-"
LOG_NAME: Final = "postgresql.log"
# Every ext4 file system has it at its top, so a disk of its own counts as an empty folder.
NOT_OURS_BUT_HARMLESS: Final = "lost+found"
# How PostgreSQL's programs begin what went wrong; hints and quotations follow it.
REASON_WORDS: Final = ("error:", "ERROR:", "FATAL:", "PANIC:")
INITDB_LIMIT_SECONDS: Final = 120
# PostgreSQL 17 brought a C.UTF-8 of its own, the same on every system; before, it is the C library's.
FIRST_MAJOR_WITH_OWN_LOCALE: Final = 17


class DataFolder:
    """A data folder that nobody else uses as long as this object is open.

    Attributes:
        path: the folder, absolute.
        cluster: where the cluster is, or will be.
        log: PostgreSQL's own log of the last start.
        account: who PostgreSQL runs as here; None is ourselves.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self.cluster = path / CLUSTER_NAME
        self.log = path / LOG_NAME
        self.account: Account | None = server_account(self.cluster)
        self._lock: int | None = lock

    @classmethod
    def open(cls, path: Path) -> DataFolder:
        """Take the folder, making it if need be.

        Raises: DevDatabaseError when it is in use, holds something else, or cannot be reached; nothing was changed then.
        """
        path = path.absolute()
        with told_about(path):
            made = not path.exists()
            if made:
                path.mkdir(parents=True)
                # The account that root lends PostgreSQL must get through to the cluster, which itself is closed to all others.
                path.chmod(0o711 if server_account() else 0o700)
            lock = _locked(path)
            try:
                folder = cls(path, lock)
                folder._refuse_strange_contents()
                folder._refuse_unreachable()
            except BaseException:
                os.close(lock)
                if made:
                    path.rmdir()
                raise
        return folder

    def close(self) -> None:
        """Let others use the folder. The kernel does the same when this process dies."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def create_cluster(self, programs: Programs, *, durable: bool) -> None:
        """Make the cluster if there is none: beside its place first, then renamed, so that a cut leaves no half of one.

        Args:
            durable: wait until the disk has it; tests need not.
        """
        with told_about(self.path):
            self._remove_unfinished()
            if self.cluster.exists():
                return
            unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED_PREFIX, dir=self.path))
            try:
                give(self.account, unfinished)
                self._initdb(programs, unfinished, durable=durable)
                unfinished.rename(self.cluster)
            except BaseException:
                shutil.rmtree(unfinished, ignore_errors=True)
                raise
            if self._lock is not None and durable:
                # The lock is the folder itself, opened: this makes the rename last.
                os.fsync(self._lock)

    def refuse_other_version(self, programs: Programs) -> None:
        """Raises: DevDatabaseError when the cluster was made by another major version; it is not touched."""
        made_with = made_by(self.path)
        if made_with not in (None, programs.major):
            raise DevDatabaseError(
                f"The data in {self.path} was made by PostgreSQL {made_with} and the one here is {programs.major}: "
                f"choose another folder with DATA=…, install PostgreSQL {made_with}, or forget that data with `make reset`; "
                "nothing was changed."
            )

    def forget(self) -> None:
        """Remove what was made here, and the folder if nothing else is in it."""
        with told_about(self.path):
            self._remove_unfinished()
            if self.cluster.exists():
                shutil.rmtree(self.cluster)
            self.log.unlink(missing_ok=True)
            if not any(self.path.iterdir()) and not self.path.is_mount():
                self.path.rmdir()

    def _refuse_strange_contents(self) -> None:
        names = {entry.name for entry in self.path.iterdir()} - {NOT_OURS_BUT_HARMLESS, LOG_NAME}
        strange = sorted(name for name in names if not name.startswith(UNFINISHED_PREFIX))
        if strange and made_by(self.path) is None:
            raise DevDatabaseError(
                f"{self.path} holds other things ({strange[0]}) and no data of this program: "
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
        # Trust is safe on a socket in a folder closed to others; over a network nobody is let in.
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
            # Ctrl-C in the terminal is for us, who end it.
            start_new_session=True,
            **as_account(self.account),
        )
        if done.returncode == 0:
            return
        if means_full_disk(done.stdout + done.stderr):
            raise full_disk(self.path)
        raise DevDatabaseError(f"PostgreSQL could not make its data folder in {self.path}: {last_line(done.stderr)}")


def made_by(path: Path) -> int | None:
    """The major version of PostgreSQL that made the data in this folder; None when there is none."""
    with told_about(path):
        try:
            return int((path / CLUSTER_NAME / "PG_VERSION").read_text(encoding="ascii"))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None


def last_line(output: str) -> str:
    """The last thing a failing program said that says why, without its own name in front."""
    lines = [line for line in output.splitlines() if line.strip()]
    reasons = [line for line in lines if any(word in line for word in REASON_WORDS)] or lines[-1:]
    return reasons[-1].strip() if reasons else "it gave no reason."


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """A short-lived folder that the server's account can reach, which pytest's own `tmp_path` is not for root."""
    path = Path(tempfile.mkdtemp(prefix="wave-", dir=parent))
    try:
        path.chmod(0o711 if server_account() else 0o700)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _locked(path: Path) -> int:
    """A lock on the folder itself, so that no file of ours is needed in it."""
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise DevDatabaseError(
            f"Another `make run` is using {path}: stop it first, or choose another folder with DATA=…."
        ) from error
    return lock
