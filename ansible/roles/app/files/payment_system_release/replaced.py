"""Owns moving files of others to the folder `replaced`, and back. Each is whole in one of the two places at every moment."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from payment_system_release.host import ROOT, run, say

if TYPE_CHECKING:
    from pathlib import Path

REPLACED: Final = ROOT / "replaced"
"""Where they are kept, by the moment."""


def folder_of_now() -> Path:
    """Where those of this moment are kept, under their whole names."""
    return REPLACED / time.strftime("%Y-%m-%dT%H%M%SZ", time.gmtime())


def carry(moved: dict[Path, Path]) -> None:
    """Have each file be at its new place alone, as it is. Raises: FailedError; then each is where it was, whatever else is there.

    Both may be on different disks. A link to nowhere, as `systemctl mask` makes it, stays a link.
    """
    for path, place in moved.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_name(f".{place.name}.new")
        run(["cp", "--archive", "--no-target-directory", "--remove-destination", path, fresh], why=f"{path} cannot be kept as {place}")
        fresh.replace(place)
    if moved:
        run(["sync"], why="The disk does not keep what was set aside")
    for path, place in moved.items():
        path.unlink()
        say(f"{path} is now {place}.")
