"""Owns the exit codes of the commands."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """What an exit code means to a script."""

    DONE = 0
    NO = 1
    BAD_INPUT = 2
    UNREACHABLE = 3


# The mark \b in the first line tells click not to wrap the text.
EXIT_CODES: Final = """\b
Exit codes:
  0  done
  1  the answer is no: refused, the books are broken, the database is behind
  2  wrong usage or bad input: a setting, an amount, an unknown name
  3  the database cannot be reached, or is too busy; try again
"""
