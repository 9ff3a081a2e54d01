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

from payment_system_release import earlier, takeover
from payment_system_release.books import check_books, read_books
from payment_system_release.content import led_to
from payment_system_release.host import AUDIT, CURRENT, MOVING, FailedError, attempt, last_words, run, say
from payment_system_release.moving import finish, move
from payment_system_release.proving import prove
from payment_system_release.proxy import check_served
from payment_system_release.serving import MAIN, check_ready, is_active
from payment_system_release.standby import end_standby, start_standby

if TYPE_CHECKING:
    from payment_system_release.content import Release

# A migration gives up after 2 s without its locks; the transaction that has them may take a while.
MIGRATION_TRIES: Final = 5
TRY_AGAIN: Final = 3
"""The exit code of a command that may succeed when it is tried again."""
FAILED_REQUEST: Final = re.compile(r'" 50[0234] upstream=')


def tidy() -> None:
    """Finish or undo what a cut-over left that was ended half way: `current` is in force, and no standby is left."""
    try:
        finish()
    except FailedError as error:
        # A release that mends it must not be refused for that.
        say(f"What was cut off cannot be finished: {error}")
    else:
        end_standby()


def cut_over(release: Release, by: str, *, is_new: bool) -> dict[str, Any]:
    """Have this release serve. Returns what happened, as the audit line says.

    Args:
        by: who wants it.
        is_new: the database may lack its migrations. What served before needs none: a release only adds what the one before can live with.

    Raises: FailedError; the sentence says what serves then, and it was asked.
    """
    began, old = time.time(), led_to(CURRENT)
    try:
        _cut_over(release, old, is_new=is_new)
    except FailedError as error:
        raise FailedError(f"{error} {_what_serves(old)}") from error
    os.utime(release.folder)
    return _audit(old, release, began, by=by, transfers=read_books().transfers)


def _cut_over(release: Release, old: Release | None, *, is_new: bool) -> None:
    """The same, but for what is written down of it."""
    for each in (old, release):
        if each:
            earlier.take_in(each)
    prove(release)
    if is_new:
        _check_loads(release)
    if old is None:
        # Nothing serves that could be harmed, and only under the release's settings does PostgreSQL let the owner of the tables in.
        move(None, release, prepare=lambda: _migrate(release))
        return
    earlier.move_over(old)
    if is_new:
        _migrate(release)
    before = read_books()
    try:
        if is_active(MAIN):
            start_standby(release)
        move(old, release, check=lambda: check_books(before, read_books()))
    finally:
        # When the way back fails, too, the standby at least goes on serving.
        if not MOVING.exists():
            end_standby()


def _what_serves(old: Release | None) -> str:
    """What serves after a refusal, in a sentence. It is asked: a host may have been ill before."""
    if old is None:
        others = takeover.running()
        if others:
            which = "which is not from a deploy, runs as before" if len(others) == 1 else "which are not from a deploy, run as before"
            return f"{' and '.join(others)}, {which}."
        return "There is no release before it on this host, so nothing serves."
    try:
        check_ready(MAIN, old)
        check_served(old)
    except FailedError as error:
        return f"The release {old.id}, which is to serve, does not: {error}"
    return f"The release {old.id} goes on serving."


def _check_loads(release: Release) -> None:
    """Whether its code and configuration load at all: most of what breaks a release is told here, in its own words."""
    checked = release.python("-c", "from app.commands.program import create_app; create_app()")
    if checked.returncode:
        raise FailedError(f"The new release does not load: {last_words(checked.stderr)}")


def _migrate(release: Release) -> None:
    """Expand the tables, all or nothing."""
    for _ in range(MIGRATION_TRIES):
        done = release.upgrade_tables()
        if done.returncode != TRY_AGAIN:
            break
    if done.returncode:
        raise FailedError(f"The new release cannot prepare the database: {last_words(done.stderr)}")
    say(f"The database is ready for it: {last_words(done.stdout)}")


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
