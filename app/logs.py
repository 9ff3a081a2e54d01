"""Owns the log: one JSON line for each event, on standard error, in UTC. The caller gives the fields of an event."""

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

# The attributes that `logging` sets on a record. All others come from `extra` and are fields of the event.
OWN_ATTRIBUTES: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
MAXIMUM_FIELD_CHARACTERS: Final = 4000
# An API token, complete or cut, in a wrong place such as an address or a name. Usernames are shorter.
TOKEN: Final = re.compile(r"wave_[A-Za-z0-9_-]{28,}")
ENCODE: Final = json.JSONEncoder(default=str, ensure_ascii=False).encode


class JsonFormatter(logging.Formatter):
    """Formats an event as one line of JSON: time, level, event, and its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line without its line end and without tokens. Never fails: an unknown type is written as its text."""
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


class BufferedHandler(logging.StreamHandler[TextIO]):
    """Writes all lines of one turn of the event loop together. Without a loop it writes each line at once.

    A system call for each line took a tenth of the time of a payment. A killed process loses the lines of one turn, some milliseconds.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Buffer the line until the current turn of the event loop ends; without a loop, write it."""
        try:
            self._lines.append(self.format(record) + self.terminator)
            loop = _running_loop()
            if loop is None:
                self.flush()
            elif len(self._lines) == 1:
                loop.call_soon(self.flush)
        except Exception:  # noqa: BLE001 - as in logging itself: a log failure must not fail the caller
            self.handleError(record)

    def flush(self) -> None:
        """Write the buffered lines."""
        self.acquire()
        try:
            lines, self._lines = self._lines, []
            for part in _parts(lines):
                self.stream.write(part)
                self.stream.flush()
        finally:
            self.release()


def _parts(lines: list[str]) -> Iterator[str]:
    """The lines in parts that a pipe takes atomically, so that lines of two processes do not mix. Source: pipe(7), PIPE_BUF."""
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


def configure_logging() -> None:
    """Send the log to standard error as JSON lines. systemd's journal or the container stores it."""
    # Our lines have no source line, thread or process, and finding these costs as much as the rest of the line.
    # Source: Python's Logging HOWTO, Optimization.
    logging._srcfile = None  # noqa: SLF001 # type: ignore[attr-defined] # the HOWTO's own way
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = BufferedHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    log = logging.getLogger("app")
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
