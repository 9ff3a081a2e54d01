"""Owns what the end of a command says to a script."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """What the program's end says to a script."""

    DONE = 0
    NO = 1
    BAD_INPUT = 2
    UNREACHABLE = 3


# The mark in its first line keeps click from wrapping it.
EXIT_CODES: Final = """\b
Exit codes:
  0  done
  1  the answer is no: refused, the books are broken, the database is behind
  2  wrong usage or bad input: a setting, an amount, an unknown name
  3  the database cannot be reached, or is too busy; try again
"""
