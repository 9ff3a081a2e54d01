"""An event is one line of JSON, with any content."""

from __future__ import annotations

import asyncio
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from select import PIPE_BUF
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from app.identity.tokens import TOKEN_PREFIX
from app.identity.viewer import new_token
from app.logs import JsonFormatter, _parts, configure_logging

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gunicorn import Served


def line_of(record: logging.LogRecord) -> dict[str, Any]:
    text = JsonFormatter().format(record)
    assert "\n" not in text
    found: dict[str, Any] = json.loads(text)
    return found


def test_an_event_has_its_time_level_name_and_fields() -> None:
    record = logging.makeLogRecord({"msg": "paid %s", "args": ("bob",), "levelname": "INFO", "levelno": 20, "created": 0.0})
    record.amount, record.payment = "1.00\n£", UUID(int=7)
    assert line_of(record) == {
        "time": "1970-01-01T00:00:00.000+00:00", "level": "info", "event": "paid bob", "amount": "1.00\n£",
        "payment": "00000000-0000-0000-0000-000000000007",
    }


def test_a_token_is_not_logged_from_any_field() -> None:
    record = logging.makeLogRecord({"msg": "request", "created": 0.0})
    record.path, record.user = "/users/" + new_token(TOKEN_PREFIX), "wave_abcdefghijklmnopqrstuvwxyz0"
    record.detail = "no user 'wave_0123456789-0123456789_0123456789abcde'"
    assert {name: line_of(record)[name] for name in ("path", "user", "detail")} == {
        "path": "/users/wave_…", "user": "wave_abcdefghijklmnopqrstuvwxyz0", "detail": "no user 'wave_…'"}


def test_a_bugs_traceback_is_in_its_line() -> None:
    try:
        raise ValueError("broken")
    except ValueError as error:
        record = logging.makeLogRecord({"msg": "bug", "exc_info": (ValueError, error, error.__traceback__)})
    assert line_of(record)["traceback"].endswith("ValueError: broken")


def in_a_thread(work: Callable[[], object]) -> None:
    """The browser driver runs an event loop in the main thread, so this runs in another thread."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(work).result()


def test_the_programs_log_goes_to_standard_error_and_nowhere_else(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        configure_logging()
        configure_logging()
        logging.getLogger("app.anything").info("hello", extra={"to": "you"})

    in_a_thread(work)
    out, err = capsys.readouterr()
    assert out == ""
    assert [json.loads(line)["event"] for line in err.splitlines()] == ["hello"]


def test_lines_of_one_turn_of_the_event_loop_are_written_together(capsys: pytest.CaptureFixture[str]) -> None:
    async def turns() -> tuple[str, str]:
        log = logging.getLogger("app.anything")
        for number in range(100):
            log.info("one of many", extra={"number": number})
        before = capsys.readouterr().err
        await asyncio.sleep(0)
        return before, capsys.readouterr().err

    def work() -> None:
        configure_logging()
        seen.append(asyncio.run(turns()))

    seen: list[tuple[str, str]] = []
    in_a_thread(work)
    [(before, after)] = seen
    assert before == ""
    assert [json.loads(line)["number"] for line in after.splitlines()] == list(range(100))


def test_parts_are_small_enough_for_atomic_writes_to_a_pipe() -> None:
    lines = [f"{number} {'£' * 150}\n" for number in range(100)]
    parts = list(_parts(lines))
    assert "".join(parts) == "".join(lines)
    assert all(part.endswith("\n") and len(part.encode()) <= PIPE_BUF for part in parts)
    assert len(parts) < 50


def test_the_log_of_gunicorn_is_json_lines_too(served: Served) -> None:
    served.stop()
    lines = [json.loads(line) for line in served.log]
    assert any(line["event"].startswith("Listening at: http://127.0.0.1:") for line in lines)
    assert {"time", "level", "event"} <= set(lines[0])
