"""Owns a `make run` in a test: a real process, from its start to its end."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.processes import LIMIT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from signal import Signals

CHECKOUT = Path(__file__).parent.parent.parent


@dataclass
class Run:
    """One `make run`, from its start to its end."""

    process: subprocess.Popen[str]
    output: list[str] = field(default_factory=list)

    def await_line(self, start: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line.rstrip("\n"))
            if line.startswith(start):
                return line.rstrip("\n")
        raise AssertionError("\n".join(self.output))

    def end(self, signal: Signals) -> int:
        self.process.send_signal(signal)
        return self.await_end()

    def await_end(self) -> int:
        rest, _ = self.process.communicate(timeout=LIMIT_SECONDS)
        self.output += rest.splitlines()
        return self.process.returncode


@contextmanager
def running(
    *arguments: object,
    before: tuple[str, ...] = (),
    python: str = sys.executable,
    checkout: Path = CHECKOUT,
    environment: Mapping[str, str] | None = None,
    **options: Any,
) -> Iterator[Run]:
    command = [*before, python, "-m", "app.local", *map(str, arguments)]
    given = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "PAYMENT_SYSTEM_"))}
    # One worker is enough for these tests; the stop of `make run` itself is tested with two.
    given |= {"WEB_CONCURRENCY": "1", **(environment or {})}
    # All child processes hold this pipe, so it ends only when all of them have ended.
    with subprocess.Popen(
        command, cwd=checkout, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    ) as process:
        try:
            yield Run(process)
        finally:
            process.terminate()


def children_of(process_id: int) -> dict[str, int]:
    """The names and process ids of the children of a process."""
    numbers = Path(f"/proc/{process_id}/task/{process_id}/children").read_text(encoding="ascii").split()
    return {Path(f"/proc/{number}/comm").read_text(encoding="utf-8").strip(): int(number) for number in numbers}


def status_of(address: str, host: str | None = None) -> int:
    request = urllib.request.Request(address, headers={"Host": host} if host else {})  # noqa: S310 - our own address
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code
