"""Owns the expected failure of the development database, and its messages for common causes."""

from __future__ import annotations

import errno
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The C library's English messages. PostgreSQL's programs run with LC_ALL=C, and their messages end with these.
FULL_DISK_WORDS: Final = ("No space left on device", "Disk quota exceeded")
# A server needs more than this to start.
ROOM_BYTES: Final = 1 << 20
FULL_DISK_NUMBERS: Final = (errno.ENOSPC, errno.EDQUOT)


class DevDatabaseError(Exception):
    """An expected failure. The message is one sentence for people and says what to do."""


def full_disk_error(folder: Path) -> DevDatabaseError:
    """The error for a full disk below this folder."""
    return DevDatabaseError(
        f"The disk that holds {folder} is full: free some space there, or choose another folder with DATA=…; nothing was lost."
    )


def is_disk_full(folder: Path) -> bool:
    """Whether the disk below this folder is full. A log on that disk may have had no room for the message."""
    return shutil.disk_usage(folder).free < ROOM_BYTES


def reports_full_disk(text: str) -> bool:
    """Whether a program's output reports a full disk."""
    return any(words in text for words in FULL_DISK_WORDS)


@contextmanager
def explain_os_errors(folder: Path) -> Iterator[None]:
    """Turn an OSError about this folder into a DevDatabaseError."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL_DISK_NUMBERS:
            raise full_disk_error(folder) from error
        place = error.filename or folder
        raise DevDatabaseError(
            f"{place} cannot be used ({error.strerror}): mend its permissions, or choose another folder with DATA=…."
        ) from error
