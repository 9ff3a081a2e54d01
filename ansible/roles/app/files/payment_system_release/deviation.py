"""Owns what a deviation is: a sentence for the operator, and what has to be done so that it is none any more."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Cure(Enum):
    """What has to be done, from what costs nothing to what costs a moment."""

    LINKS = auto()
    """The links to the release's files are made again."""
    UNITS = auto()
    """systemd reads the units."""
    CONTENT = auto()
    """The release's files are restored."""
    FIREWALL = auto()
    SSH = auto()
    DATABASE_READS = auto()
    """PostgreSQL reads its settings; it starts anew only for those that a start reads."""
    PROXY_READS = auto()
    SERVICE = auto()
    """The service starts anew; requests wait in its socket meanwhile."""
    PROXY = auto()
    SOCKETS = auto()
    DATABASE = auto()
    """PostgreSQL starts anew."""


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Deviation:
    """Something that is in force and is not what the release says."""

    sentence: str
    cures: frozenset[Cure] = field(default_factory=frozenset)
    """With none, it is not ours to mend, and the sentence says whose."""
    undo: Callable[[], None] = _nothing
    """What takes away what is there beside ours, before the cures."""
