"""Owns that no server outlives whoever started it: by a rule of the kernel's, and where that failed by ending what it left."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from signal import SIGINT, SIGQUIT, Signals
from typing import TYPE_CHECKING, Final

from app.devdb.errors import DevDatabaseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.devdb.account import Account

TETHERED: Final = Path(__file__).with_name("tethered.py")
# FAST disconnects everybody and writes a checkpoint; IMMEDIATE leaves the rest to crash recovery.
# Source: PostgreSQL's manual, "Shutting Down the Server".
FAST: Final = SIGINT
IMMEDIATE: Final = SIGQUIT
STOP_LIMIT_SECONDS: Final = 30
LOOK_AGAIN_SECONDS: Final = 0.02
PROCESSES: Final = Path("/proc")


def tethered(command: Sequence[str], *, signal: Signals, account: Account | None = None) -> list[str]:
    """The command that runs this one so that it gets the signal when the thread that starts it ends, even by kill -9.

    Args:
        command: a program's full path and its arguments.
        account: who it runs as; None is ourselves.
    """
    uid, gid = (account.uid, account.gid) if account else (-1, -1)
    # -I and -S: nothing of the environment's or the virtual environment's is loaded by what may still be root.
    return [sys.executable, "-I", "-S", str(TETHERED), *map(str, (os.getpid(), int(signal), uid, gid)), *command]


def end_leftovers(cluster: Path) -> None:
    """End the PostgreSQL that a killed owner left running in this cluster, and nothing else. The caller holds the folder's lock.

    Raises: DevDatabaseError when it does not end.
    """
    for last_try in (False, True):
        asked: set[int] = set()
        limit = time.monotonic() + STOP_LIMIT_SECONDS
        while (found := _servers_in(cluster)) and time.monotonic() < limit:
            # Its children are the server's to end. When it is dead itself they are nobody's, and may only be in the way.
            server = found & _recorded_server(cluster)
            politely = bool(server) and not last_try
            for process_id in (server if politely else found) - asked:
                with suppress(ProcessLookupError):
                    os.kill(process_id, FAST if politely else IMMEDIATE)
                asked.add(process_id)
            # They are no children of ours: there is no event to await that every kernel has.
            time.sleep(LOOK_AGAIN_SECONDS)
        if not found:
            _forget_recorded_server(cluster)
            return
    raise DevDatabaseError(
        f"A PostgreSQL that was left running in {cluster} does not end: end its process {min(found)} yourself, then start again."
    )


def _servers_in(cluster: Path) -> set[int]:
    """The processes called postgres whose working folder is this one.

    postmaster.pid alone is no proof: after a reboot its number may be anybody's. PostgreSQL's processes work in their cluster.
    """
    found: set[int] = set()
    for process in PROCESSES.glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").samefile(cluster) and (process / "comm").read_text().strip() == "postgres":
                found.add(int(process.name))
    return found


def _recorded_server(cluster: Path) -> set[int]:
    try:
        return {int((cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").split("\n", 1)[0])}
    except (FileNotFoundError, ValueError):
        return set()


def _forget_recorded_server(cluster: Path) -> None:
    # Nobody works here, so its number is stale; PostgreSQL would refuse to start if another process had that number by now.
    if PROCESSES.is_dir():
        (cluster / "postmaster.pid").unlink(missing_ok=True)
