"""Owns the move itself: `current` leads to another release, and all that the host runs follows it; or leads back, by the same steps.

From which release to which is written down before, so that a move that was cut off is finished, or undone, by whoever comes next.
Where there was none, what had the wallet's names before gives way, and is back when there is none again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from payment_system_release import postgresql, proxy, takeover
from payment_system_release.content import Release, led_to
from payment_system_release.host import CURRENT, MOVING, PREVIOUS, FailedError, attempt, point, run, say, write
from payment_system_release.host_files import SOCKETS, differ, turn
from payment_system_release.serving import MAIN, check_ready, start, stop

if TYPE_CHECKING:
    from collections.abc import Callable


def move(
    before: Release | None, release: Release, *, prepare: Callable[[], None] | None = None, check: Callable[[], None] | None = None
) -> None:
    """Have the host serve this release, and after a restart of the host, too.

    Args:
        before: the one to which `current` leads.
        prepare: what has to be done once PostgreSQL runs with the release's settings, and before the service does.
        check: what has to hold, too, once it serves.

    Raises: FailedError when it does not serve; then the one before is back, unless the sentence says otherwise.
    """
    # After a move that could neither be finished nor undone, nobody knows what is in force.
    known = None if MOVING.exists() else before
    write(MOVING, json.dumps({"from": before.id if before else None, "to": release.id}))
    try:
        _have_in_force(release, before, known, prepare)
        if check:
            check()
    except FailedError as error:
        if before != release:
            _move_back(before, release, error)
        raise
    if before and before != release:
        point(PREVIOUS, before.folder)
    MOVING.unlink()
    takeover.forget()
    say("The service serves the new release.")


def finish() -> None:
    """Finish a move that was cut off, or undo it when what `current` leads to does not serve. Raises: FailedError when neither helps."""
    if not MOVING.exists():
        takeover.forget()
        return
    noted = json.loads(MOVING.read_text(encoding="utf-8"))
    before, wanted = (Release(noted[each]) if noted[each] else None for each in ("from", "to"))
    current = led_to(CURRENT)
    say("A deploy that was cut off before is finished first.")
    if current and current == wanted:
        MOVING.unlink()
        move(before, current)
    else:
        _have_in_force(current, wanted, wanted)
        MOVING.unlink()


def _move_back(before: Release | None, release: Release, cause: FailedError) -> None:
    say(f"{cause} It goes back.")
    try:
        _have_in_force(before, release, release)
    except FailedError as error:
        raise FailedError(f"{cause} The way back failed, too: {error}") from error
    MOVING.unlink()


def _have_in_force(
    release: Release | None, before: Release | None, known: Release | None, prepare: Callable[[], None] | None = None
) -> None:
    """Turn the link, and have everything follow it.

    Args:
        release: with none, the host is as it was before its first.
        before: the one to which `current` led; with none, this one is the host's first.
        known: the one that is in force, if that is known.

    Raises: FailedError with the first thing that does not follow.
    """
    if release is None:
        _have_former(before, known)
        return
    if before is None:
        takeover.give_way()
    turn(release, before)
    run(["systemctl", "enable", "--quiet", "--no-reload", MAIN], why="The service cannot be started with the host")
    run(["systemctl", "daemon-reload"], why="systemd does not read the units")
    postgresql.have_in_force(release, known)
    if prepare:
        prepare()
    _serve(release, known)
    proxy.have_in_force(release, known)
    proxy.check_served(release)


def _have_former(before: Release | None, known: Release | None) -> None:
    """Have the host be as it was before its first release. What ran under the wallet's names runs again, also if a program does not.

    Args:
        before: the release to which `current` led.
        known: the one that is in force, if that is known.

    Raises: FailedError.
    """
    if not takeover.has_given_way():
        # Nothing was changed yet.
        return
    if CURRENT.is_symlink():
        # Before, what is enabled under this name is not ours.
        attempt(["systemctl", "disable", "--quiet", "--no-reload", MAIN])
    for unit in (MAIN, *SOCKETS):
        stop(unit)
    turn(None, before)
    takeover.put_back()
    run(["systemctl", "daemon-reload"], why="systemd does not read the units")
    try:
        postgresql.have_in_force(None, known)
        if takeover.proxy_ran():
            proxy.have_in_force(None, known)
    finally:
        takeover.start_again()


def _serve(release: Release, known: Release | None) -> None:
    if differ(release, known, *(f"units/{socket}" for socket in SOCKETS)):
        # A socket is made anew only while its service is not there: the one change that turns requests away for a moment.
        for unit in (MAIN, *SOCKETS):
            stop(unit)
    start(MAIN)
    check_ready(MAIN, release)
