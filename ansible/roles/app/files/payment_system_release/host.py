"""Owns the names of things on the host, and running its programs: a failure is a sentence with the program's own last words."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess  # nosec B404 # that it starts programs is looked at where it does
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

USER: Final = "payment-system"
ROOT: Final = Path("/opt/payment-system")
RELEASES: Final = ROOT / "releases"
ENVIRONMENTS: Final = ROOT / "environments"
INCOMING: Final = ROOT / "incoming"
"""Where a deploy puts what it sends."""
CURRENT: Final = ROOT / "current"
"""What serves, and what serves after a reboot."""
PREVIOUS: Final = ROOT / "previous"
"""What `rollback` goes to."""
STANDBY: Final = ROOT / "standby"
"""What the standby serves during a cut-over."""
HOST_FOLDER: Final = "host"
"""Where a release has the files that the host reads."""
LOCK: Final = Path("/run/payment-system-release.lock")
AUDIT: Final = Path("/var/log/payment-system-releases.jsonl")
MOVING: Final = ROOT / "moving"
"""There while the host moves from one release to another: from which, to which."""
PROOF: Final = Path("/run/payment-system-proof")
"""Where a new release's files are tried out."""
# Longer than any step takes; what is still running then is stuck.
STEP_SECONDS: Final = 300
# How SQLAlchemy ends what it tells of an error, and how it begins when the error is the database's.
SQLALCHEMY_HELP: Final = "(Background on this error at:"
DATABASE_SAID: Final = re.compile(r"^[\w.]+: \(psycopg2\.[\w.]+\) (.*\S)", re.MULTILINE)


class FailedError(Exception):
    """What went wrong, and what to do, in a sentence or two."""


def say(line: str) -> None:
    """Tell whoever watches; that nobody does any more stops nothing."""
    try:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - for people
    except OSError:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end


def run(command: Sequence[str | Path], *, why: str, folder: Path | None = None, settings: dict[str, str] | None = None) -> str:
    """What a program prints. Nothing of our own environment reaches it but the path.

    Args:
        why: what it is for, as the beginning of the sentence when it fails.

    Raises: FailedError.
    """
    done = attempt(command, folder=folder, settings=settings)
    if done.returncode:
        raise FailedError(f"{why}: {last_words(done.stderr or done.stdout)}")
    return done.stdout


def attempt(
    command: Sequence[str | Path], *, folder: Path | None = None, settings: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What became of a program. Raises: FailedError when it does not end."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", **(settings or {})}
    try:
        return subprocess.run(  # nosec B603 # no shell; the programs are named in this package
            [str(part) for part in command], cwd=folder or "/", env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=STEP_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise FailedError(f"{command[0]} did not end within {STEP_SECONDS} s") from None


def last_words(text: str) -> str:
    """The last line that says anything: of a traceback, the error itself; of what SQLAlchemy wraps, the database's own words."""
    line = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it said nothing")
    said, is_wrapped, _ = line.partition(SQLALCHEMY_HELP)
    if is_wrapped:
        # Between the error and this line are the statement and its values, in any number of lines.
        return next(reversed(DATABASE_SAID.findall(text)), said.strip())
    return line


@contextmanager
def alone() -> Iterator[None]:
    """Hold the lock of all releases on this host. Raises: FailedError when somebody else does."""
    with LOCK.open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            raise FailedError(
                f"Another deploy or rollback is under way on this host (process {held.read().strip()}). Wait for its end, then try again.",
            ) from None
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        yield


def point(link: Path, target: Path) -> None:
    """Have the link lead to the target, from one moment to the next, and for good."""
    fresh = link.with_name(f".{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    _put(fresh, link)


def write(path: Path, content: str) -> None:
    """Have the file be there with this content, whole or not at all, and for good."""
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _put(fresh, path)


def _put(fresh: Path, path: Path) -> None:
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
