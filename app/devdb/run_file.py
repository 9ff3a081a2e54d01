"""Owns the run file: while `make run` runs, `.running.json` in the checkout tells `flask …` how to reach its database.

The run holds a lock on the file. The kernel releases the lock if the run is killed, so a stale file is never used.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RUN_FILE: Final = Path(__file__).resolve().parents[2] / ".running.json"


@contextmanager
def run_file_written(settings: Mapping[str, str], path: Path = RUN_FILE) -> Iterator[bool]:
    """Write the run file, and remove it when the context ends.

    Yields: whether it was written; False if another run has one, or if the checkout is read-only.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        yield False
        return
    try:
        os.ftruncate(file, 0)
        os.write(file, json.dumps(dict(settings)).encode())
        yield True
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(file)


def read_run_file(path: Path = RUN_FILE) -> dict[str, str]:
    """The settings of the running `make run`; empty if none is running."""
    try:
        with path.open(encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return dict(json.load(file))
    except (OSError, ValueError):  # ValueError: it is being written
        pass
    return {}
