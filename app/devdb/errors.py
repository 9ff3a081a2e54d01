"""Owns the one expected failure of the development database and its wording for the common causes."""

from __future__ import annotations

import errno
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# As the C library words them in English; PostgreSQL's programs run with LC_ALL=C, and its messages end with these.
FULL_DISK_WORDS: Final = ("No space left on device", "Disk quota exceeded")
# Less than any server needs to start: its least file is bigger.
ROOM_BYTES: Final = 1 << 20
FULL_DISK_NUMBERS: Final = (errno.ENOSPC, errno.EDQUOT)


class DevDatabaseError(Exception):
    """An expected failure: the message is one sentence for a person, and says what to do."""


def full_disk(folder: Path) -> DevDatabaseError:
    """What to say when the disk below this folder has no room left."""
    return DevDatabaseError(
        f"The disk that holds {folder} is full: free some space there, or choose another folder with DATA=…; nothing was lost."
    )


def has_no_room(folder: Path) -> bool:
    """Whether the disk below this folder is full. A program whose log is on that disk had no room to say so."""
    return shutil.disk_usage(folder).free < ROOM_BYTES


def means_full_disk(text: str) -> bool:
    """Whether a program's output says that the disk is full."""
    return any(words in text for words in FULL_DISK_WORDS)


@contextmanager
def told_about(folder: Path) -> Iterator[None]:
    """Turn what the operating system refuses about this folder into a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL_DISK_NUMBERS:
            raise full_disk(folder) from error
        place = error.filename or folder
        raise DevDatabaseError(
            f"{place} cannot be used ({error.strerror}): mend its permissions, or choose another folder with DATA=…."
        ) from error
