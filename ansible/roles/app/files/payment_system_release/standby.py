"""Owns the standby: the new release by its own units, beside the one that serves and on the same socket, for the time of a cut-over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payment_system_release.host import HOST_FOLDER, STANDBY, FailedError, point, run, say
from payment_system_release.host_files import STANDBY_UNIT_FOLDER, STANDBY_UNITS
from payment_system_release.serving import STANDBY_UNIT, check_ready, start, stop

if TYPE_CHECKING:
    from payment_system_release.content import Release


def start_standby(release: Release) -> None:
    """Have a standby prove the release, and serve it beside the old one. Raises: FailedError; then there is no standby."""
    point(STANDBY, release.folder)
    for unit in STANDBY_UNITS:
        point(STANDBY_UNIT_FOLDER / unit, STANDBY / HOST_FOLDER / "units" / unit)
    try:
        run(["systemctl", "daemon-reload"], why="systemd does not read the units")
        start(STANDBY_UNIT)
        check_ready(STANDBY_UNIT, release)
    except FailedError:
        end_standby()
        raise
    say("The standby serves the new release beside the old one.")


def end_standby() -> None:
    """Stop it, if there is one; requests that it has are answered first."""
    # Without the link, what runs under its name is somebody else's.
    if not STANDBY.is_symlink():
        return
    for unit in STANDBY_UNITS:
        stop(unit)
        (STANDBY_UNIT_FOLDER / unit).unlink(missing_ok=True)
    STANDBY.unlink(missing_ok=True)
