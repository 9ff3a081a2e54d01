"""Owns Ctrl-C in a test: starts `make run` as a terminal does, and waits for a moment that is visible from outside."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.processes import LIMIT_SECONDS, await_end

if TYPE_CHECKING:
    from collections.abc import Iterator

Moment = Callable[[Path, str], bool]
POLL_SECONDS = 0.02
# A terminal delivers Ctrl-C. Background processes of a shell ignore it, and so would their children.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def processes_in(folder: Path) -> dict[int, str]:
    """The process ids and command lines of all processes that work in this folder or name it."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            is_meant = str(folder) in command or (process / "cwd").readlink().is_relative_to(folder)
            if is_meant and (process / "stat").read_text().rpartition(") ")[2][0] != "Z":
                found[int(process.name)] = command
    return found


def serves(_folder: Path, said: str) -> bool:
    return "Wave is at" in said


@contextmanager
def make_run(checkout: Path, port: int, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """`make run` in its own process group, as a shell starts it in a terminal, with its output in a file."""
    make = shutil.which("make")
    assert make is not None
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "PAYMENT_SYSTEM_", "MAKE", "MFLAGS"))}
    said = checkout.parent / "said"
    with said.open("wb") as out, subprocess.Popen(
        [make, "run", f"PORT={port}", f"DATA={checkout}/.data", *options], cwd=checkout, env=kept, stdout=out, stderr=out,
        stdin=subprocess.DEVNULL, process_group=0,
    ) as process:
        try:
            yield process, said
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


def await_moment(process: subprocess.Popen[bytes], said: Path, moment: Moment) -> None:
    """Poll until the moment has come. Fails if the process has ended."""
    while not moment(said.parent, said.read_text(encoding="utf-8")):
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL_SECONDS)
            raise AssertionError(f"it ended before: {said.read_text(encoding='utf-8')}")


def stopped_at(moment: Moment, checkout: Path, port: int, *options: str) -> list[str]:
    """Press Ctrl-C at this moment. Returns the output without pip's warnings."""
    with make_run(checkout, port, *options) as (process, said):
        await_moment(process, said, moment)
        os.killpg(process.pid, signal.SIGINT)
        process.wait(LIMIT_SECONDS)
        # A process that was just being started needs a moment to end.
        for process_id in processes_in(checkout):
            await_end(process_id)
        assert processes_in(checkout) == {}
        return [line for line in said.read_text(encoding="utf-8").splitlines() if not line.startswith("WARNING: ")]
