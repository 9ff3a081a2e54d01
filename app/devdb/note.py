"""Owns the note that `make run` leaves in the checkout while it runs, so that plain `flask …` there reaches its database.

The one who wrote it holds a lock on it. The kernel frees the lock of a killed one, so what a note says is never out of date.
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

NOTE: Final = Path(__file__).resolve().parents[2] / ".running.json"


@contextmanager
def note_left(settings: Mapping[str, str], path: Path = NOTE) -> Iterator[bool]:
    """Leave the note for as long as the context lasts.

    Yields: whether it could be left; not beside the note of another run, nor in a checkout that cannot be written to.
    """
    try:
        note = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(note)
        yield False
        return
    try:
        os.ftruncate(note, 0)
        os.write(note, json.dumps(dict(settings)).encode())
        yield True
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(note)


def read_note(path: Path = NOTE) -> dict[str, str]:
    """What the note says; nothing without one, or when whoever left it is gone."""
    try:
        with path.open(encoding="utf-8") as note:
            try:
                fcntl.flock(note, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return dict(json.load(note))
    except (OSError, ValueError):  # ValueError: it is being written this moment
        pass
    return {}
