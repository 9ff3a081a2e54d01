"""Owns the way from one release to another under load: prove the new one beside the old, move, and go back when it does not hold.

The listening socket is systemd's and stays open all the while. The standby takes requests from it while the service restarts.
"""

from __future__ import annotations

import json
import os
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from payment_system_release.books import check_books, read_books
from payment_system_release.content import led_to
from payment_system_release.host import AUDIT, CURRENT, PREVIOUS, STANDBY, FailedError, attempt, last_words, point, run, say
from payment_system_release.serving import MAIN, STANDBY_SOCKET, STANDBY_UNIT, check_ready, is_active, is_serving, start, stop

if TYPE_CHECKING:
    from payment_system_release.content import Release

# A migration gives up after 2 s without its locks; the transaction that has them may take a while.
MIGRATION_TRIES: Final = 5
TRY_AGAIN: Final = 3
"""The exit code of a command that may succeed when it is tried again."""
FAILED_REQUEST: Final = re.compile(r'" 50[0234] upstream=')


def tidy() -> None:
    """Finish what a cut-over left that was ended half way: the service serves `current`, and no standby is left."""
    if not is_active(STANDBY_UNIT):
        return
    current = led_to(CURRENT)
    if current and not is_serving(current):
        start(MAIN)
        check_ready(MAIN, current)
    _end_standby()


def cut_over(release: Release, by: str, *, is_new: bool) -> dict[str, Any]:
    """Have this release serve. Returns what happened, as the audit line says.

    Args:
        by: who wants it.
        is_new: the database may lack its migrations. What served before needs none: a release only adds what the one before can live with.

    Raises: FailedError; then the release before serves as it did, unless the sentence says otherwise.
    """
    began, old = time.time(), led_to(CURRENT)
    if is_new:
        _check_loads(release)
        _migrate(release)
    # A deploy that was cut off may have written units and not have said so.
    run(["systemctl", "daemon-reload"], why="systemd does not read the units")
    before = read_books()
    if old and is_active(MAIN):
        _start_standby(release, old)
    _turn(old, release)
    os.utime(release.folder)
    after = read_books()
    check_books(before, after)
    return _audit(old, release, began, by=by, transfers=after.transfers)


def _check_loads(release: Release) -> None:
    """Whether its code and configuration load at all: most of what breaks a release is told here, in its own words."""
    checked = release.python("-c", "from app.commands.program import create_app; create_app()")
    if checked.returncode:
        raise FailedError(f"The new release does not load, and changed nothing: {last_words(checked.stderr)}")


def _migrate(release: Release) -> None:
    """Expand the tables, all or nothing."""
    for _ in range(MIGRATION_TRIES):
        done = release.upgrade_tables()
        if done.returncode != TRY_AGAIN:
            break
    if done.returncode:
        raise FailedError(f"The new release cannot prepare the database, and changed nothing: {last_words(done.stderr)}")
    say(f"The database is ready for it: {last_words(done.stdout)}")


def _start_standby(release: Release, old: Release) -> None:
    """Have a standby prove the release, and serve it beside the old one. Raises: FailedError; then there is no standby."""
    point(STANDBY, release.folder)
    try:
        start(STANDBY_UNIT)
        check_ready(STANDBY_UNIT, release)
    except FailedError as error:
        _end_standby()
        raise FailedError(f"{error} The release {old.id} goes on serving.") from error
    say("The standby serves the new release beside the old one.")


def _turn(old: Release | None, release: Release) -> None:
    """Have the service serve this release. Raises: FailedError when it does not; then the old one is back."""
    before_old = led_to(PREVIOUS)
    _turn_to(release, old)
    try:
        start(MAIN)
        check_ready(MAIN, release)
    except FailedError as error:
        # The standby goes on serving until the old release is back, and if it does not come back.
        outcome = _turn_back(old, before_old)
        _end_standby()
        raise FailedError(f"{error} {outcome}") from error
    _end_standby()
    say("The service serves the new release, and no standby does.")


def _turn_back(old: Release | None, before_old: Release | None) -> str:
    """Have the service serve what it did. Returns what came of it, in a sentence. Raises: FailedError."""
    if old is None:
        stop(MAIN)
        CURRENT.unlink()
        return "There is no release before it on this host, so nothing serves."
    point(CURRENT, old.folder)
    if before_old:
        point(PREVIOUS, before_old.folder)
    start(MAIN)
    check_ready(MAIN, old)
    return f"The release {old.id} serves again."


def _end_standby() -> None:
    stop(STANDBY_UNIT)
    stop(STANDBY_SOCKET)
    STANDBY.unlink(missing_ok=True)


def _turn_to(release: Release, old: Release | None) -> None:
    """From here on a reboot brings up this release. What it goes back to is written down before."""
    run(["systemctl", "enable", "--quiet", MAIN], why="The service cannot be started with the host")
    if old and old != release:
        point(PREVIOUS, old.folder)
    point(CURRENT, release.folder)


def _audit(old: Release | None, release: Release, began: float, *, by: str, transfers: int) -> dict[str, Any]:
    """Write down who had which release installed, and what it cost."""
    line = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"), "by": by,
        "from": old.id if old else None, "to": release.id, "seconds": round(time.time() - began, 1),
        "requests_failed": _failed_requests(began), "transfers": transfers,
    }
    with AUDIT.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return line


def _failed_requests(since: float) -> int:
    """How many requests the proxy could not have answered since then, by its own log."""
    attempt(["journalctl", "--sync"])
    lines = run(["journalctl", "--identifier=nginx", f"--since=@{since:.0f}", "--output=cat"], why="The proxy's log cannot be read")
    return len(FAILED_REQUEST.findall(lines))
