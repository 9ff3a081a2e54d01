"""Owns serving the wallet in a test as in production: a gunicorn with the project's settings file, on a free port."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Condition, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CHECKOUT = Path(__file__).parent.parent
START_LIMIT_SECONDS = 60


class Served:
    """A running gunicorn: its address and its log."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.log: list[str] = []
        self._logged = Condition()
        self._addresses: Queue[str] = Queue()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()
        self.address = self._addresses.get(timeout=START_LIMIT_SECONDS)
        if not self.address:
            raise RuntimeError("gunicorn did not start:\n" + "\n".join(self.log))

    def await_log(self, text: str, *, times: int = 1) -> str:
        """Wait for this many log lines with this text, and return the last. Raises: AssertionError if they do not come."""
        def found() -> list[str]:
            return [line for line in self.log if text in line]

        with self._logged:
            assert self._logged.wait_for(lambda: len(found()) >= times, START_LIMIT_SECONDS), self.log
            return found()[times - 1]

    def stop(self) -> None:
        """Stop it and read the rest of its log."""
        self.process.terminate()
        self.process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._logged:
                self.log.append(line.rstrip("\n"))
                self._logged.notify_all()
            if found := re.search(r"Listening at: (http://[0-9.:]+|unix:\S+)", line):
                self._addresses.put(found[1])
        self._addresses.put("")


@contextmanager
def serving(database_url: str, settings: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Serve this database until the context ends. The socket listens at once, so early requests wait and are not refused."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PAYMENT_SYSTEM_", "DATABASE_"))}
    environment |= {
        "GUNICORN_BIND": "127.0.0.1:0", "DATABASE_URL": database_url, "PAYMENT_SYSTEM_ENVIRONMENT": "development",
        "PAYMENT_SYSTEM_OPENING_BALANCE": "1000.00", "PAYMENT_SYSTEM_SECURE_COOKIES": "false", **(settings or {}),
    }
    with subprocess.Popen([sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py"], cwd=CHECKOUT, env=environment,
                          stderr=subprocess.PIPE, text=True) as process:
        served = Served(process)
        try:
            yield served
        finally:
            served.stop()
