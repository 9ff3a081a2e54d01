"""Owns the log: one JSON line an event, on standard error, in UTC. Knows no request; whoever logs gives the fields."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

# What logging itself puts on a record; all else came in `extra` and is a field of the event.
OWN_ATTRIBUTES: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
MAXIMUM_FIELD_CHARACTERS: Final = 4000


class JsonLines(logging.Formatter):
    """An event as one line of JSON: time, level, event, and the fields given with it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end. Never fails: what JSON does not know is written as its text."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line.update({name: value for name, value in vars(record).items() if name not in OWN_ATTRIBUTES})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)[-MAXIMUM_FIELD_CHARACTERS:]
        return json.dumps(line, default=str, ensure_ascii=False)


def log_as_json() -> None:
    """Send what the program logs to standard error as JSON lines; systemd's journal or a container keeps it from there."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    log = logging.getLogger("app")
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
