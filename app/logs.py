"""Owns the log: one JSON line an event, on standard error, in UTC. Knows no request; whoever logs gives the fields."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
from datetime import UTC, datetime
from select import PIPE_BUF
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

# What logging itself puts on a record; all else came in `extra` and is a field of the event.
OWN_ATTRIBUTES: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
MAXIMUM_FIELD_CHARACTERS: Final = 4000
# An API token, whole or cut short, that somebody put where it does not belong: into an address, or for a name. Handles are shorter.
TOKEN: Final = re.compile(r"wave_[A-Za-z0-9_-]{28,}")
ENCODE: Final = json.JSONEncoder(default=str, ensure_ascii=False).encode


class JsonLines(logging.Formatter):
    """An event as one line of JSON: time, level, event, and the fields given with it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end and without tokens. Never fails: what JSON does not know is written as its text."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line.update({name: value for name, value in vars(record).items() if name not in OWN_ATTRIBUTES})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)[-MAXIMUM_FIELD_CHARACTERS:]
        text = ENCODE(line)
        return TOKEN.sub("wave_…", text) if "wave_" in text else text


class LinesOfATurn(logging.StreamHandler[TextIO]):
    """Writes together what one turn of an event loop logs; elsewhere each line at once.

    A line of its own system call for each request was a tenth of what a payment costs. A turn takes milliseconds; who kills the process
    in it loses them.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line until the turn ends, or write it where there is none."""
        try:
            self._lines.append(self.format(record) + self.terminator)
            loop = _running_loop()
            if loop is None:
                self.flush()
            elif len(self._lines) == 1:
                loop.call_soon(self.flush)
        except Exception:  # noqa: BLE001 - as logging itself does: who logs is not failed by the log
            self.handleError(record)

    def flush(self) -> None:
        """Write what is kept."""
        self.acquire()
        try:
            lines, self._lines = self._lines, []
            for part in _parts(lines):
                self.stream.write(part)
                self.stream.flush()
        finally:
            self.release()


def _parts(lines: list[str]) -> Iterator[str]:
    """The lines in parts that reach a pipe whole, so that two processes do not cut into each other's. Source: pipe(7), PIPE_BUF."""
    part, size = "", 0
    for line in lines:
        length = len(line.encode())
        if part and size + length > PIPE_BUF:
            yield part
            part, size = "", 0
        part, size = part + line, size + length
    if part:
        yield part


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def log_as_json() -> None:
    """Send what the program logs to standard error as JSON lines; systemd's journal or a container keeps it from there."""
    # Where in the code, thread and process an event came from is in none of our lines, and costs as much as the line.
    # Source: Python's Logging HOWTO, Optimization.
    logging._srcfile = None  # noqa: SLF001 # type: ignore[attr-defined] # the HOWTO's own way
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = LinesOfATurn(sys.stderr)
    handler.setFormatter(JsonLines())
    log = logging.getLogger("app")
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
