"""Owns that a server process ends with the process that started it: by a kernel signal, or else by ending orphaned servers."""

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

CHILD_PROCESS: Final = Path(__file__).with_name("child_process.py")
# FAST disconnects all clients and writes a checkpoint. IMMEDIATE needs crash recovery at the next start.
# Source: PostgreSQL's manual, "Shutting Down the Server".
FAST: Final = SIGINT
IMMEDIATE: Final = SIGQUIT
STOP_LIMIT_SECONDS: Final = 30
POLL_SECONDS: Final = 0.02
PROCESSES: Final = Path("/proc")


def child_command(command: Sequence[str], *, signal: Signals, account: Account | None = None) -> list[str]:
    """Wrap a command: its process gets the signal when the thread that started it ends, even after kill -9.

    Args:
        command: a program's full path and its arguments.
        account: who runs it; None is the current account.
    """
    uid, gid = (account.uid, account.gid) if account else (-1, -1)
    # -I and -S: the wrapper may be root, so it loads nothing from the environment or the virtual environment.
    return [sys.executable, "-I", "-S", str(CHILD_PROCESS), *map(str, (os.getpid(), int(signal), uid, gid)), *command]


def end_orphaned_servers(cluster: Path) -> None:
    """End the PostgreSQL that a killed owner left running in this cluster. The caller holds the lock of the folder.

    Raises: DevDatabaseError if it does not end.
    """
    for last_try in (False, True):
        asked: set[int] = set()
        limit = time.monotonic() + STOP_LIMIT_SECONDS
        while (found := _servers_in(cluster)) and time.monotonic() < limit:
            # The server ends its own children. If the server is dead, its children are ended here.
            server = found & _server_of_pid_file(cluster)
            gracefully = bool(server) and not last_try
            for process_id in (server if gracefully else found) - asked:
                with suppress(ProcessLookupError):
                    os.kill(process_id, FAST if gracefully else IMMEDIATE)
                asked.add(process_id)
            # They are not our children: not every kernel has an event to wait for.
            time.sleep(POLL_SECONDS)
        if not found:
            _delete_pid_file(cluster)
            return
    raise DevDatabaseError(
        f"A PostgreSQL that was left running in {cluster} does not end: end its process {min(found)} yourself, then start again."
    )


def _servers_in(cluster: Path) -> set[int]:
    """The processes named postgres whose working directory is this folder.

    postmaster.pid is not enough: after a reboot its number may belong to another program. PostgreSQL's processes work in their cluster.
    """
    found: set[int] = set()
    for process in PROCESSES.glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").samefile(cluster) and (process / "comm").read_text().strip() == "postgres":
                found.add(int(process.name))
    return found


def _server_of_pid_file(cluster: Path) -> set[int]:
    try:
        return {int((cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").split("\n", 1)[0])}
    except (FileNotFoundError, ValueError):
        return set()


def _delete_pid_file(cluster: Path) -> None:
    # No server runs here, so the number is stale. PostgreSQL would refuse to start if another process had this number now.
    if PROCESSES.is_dir():
        (cluster / "postmaster.pid").unlink(missing_ok=True)
