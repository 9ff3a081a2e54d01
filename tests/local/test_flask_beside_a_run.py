"""While `make run` runs, and only then, `flask …` in the checkout uses its database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from signal import SIGINT, SIGKILL
from typing import TYPE_CHECKING

from app.devdb.run_file import read_run_file, run_file_written
from tests.local.runs import running
from tests.processes import LIMIT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_SET = "Error: DATABASE_URL is not set"


def flask(checkout: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PAYMENT_SYSTEM_", "FLASK_", "DATABASE_"))}
    done = subprocess.run(
        [Path(sys.executable).with_name("flask"), *arguments], cwd=checkout, env={**ours, **(environment or {})}, check=False,
        capture_output=True, text=True, timeout=LIMIT_SECONDS,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_operators_commands_reach_the_database_of_make_run_while_it_runs(folder: Path, checkout: Path, port: int) -> None:
    code, _, told = flask(checkout, "users", "list")
    assert (code, told.startswith(NOT_SET)) == (2, True)
    settings = {"PAYMENT_SYSTEM_CURRENCY": "EUR", "PAYMENT_SYSTEM_RELEASE_ID": "it's"}
    with running("--port", port, "--data", folder / "data", checkout=checkout, environment=settings) as run:
        run.await_line("The operator's commands reach this database, for example `.venv/bin/flask users list`.")
        code, said, told = flask(checkout, "users", "list")
        assert (code, told) == (0, "")
        assert "amara" in said
        assert "€" in said
        assert flask(checkout, "db", "upgrade")[0] == 0
        assert (checkout / ".running.json").stat().st_mode & 0o777 == 0o600
        elsewhere = {"DATABASE_URL": "postgresql://payment_system@/payment_system?host=/nowhere"}
        assert flask(checkout, "users", "list", environment=elsewhere)[0] == 3
        assert run.end(SIGINT) == 0
    assert not (checkout / ".running.json").exists()
    assert flask(checkout, "users", "list")[2].startswith(NOT_SET)


def test_the_run_file_of_a_killed_run_is_ignored(data: Path, checkout: Path, port: int) -> None:
    with running("--port", port, "--data", data, "--no-demo", checkout=checkout) as run:
        run.await_line("The operator's commands")
        run.process.send_signal(SIGKILL)
        run.process.wait(LIMIT_SECONDS)
        assert (checkout / ".running.json").exists()
        assert flask(checkout, "users", "list")[2].startswith(NOT_SET)


def test_a_second_run_does_not_change_the_run_file_of_the_first(tmp_path: Path) -> None:
    run_file = tmp_path / "note"
    with run_file_written({"DATABASE_URL": "first"}, run_file) as first:
        with run_file_written({"DATABASE_URL": "second"}, run_file) as second:
            assert (first, second) == (True, False)
        assert read_run_file(run_file) == {"DATABASE_URL": "first"}
    assert not run_file.exists()


def test_a_read_only_checkout_gets_no_run_file(tmp_path: Path) -> None:
    nowhere = tmp_path / "missing" / "note"
    with run_file_written({"DATABASE_URL": "first"}, nowhere) as has_run_file:
        assert not has_run_file
    assert read_run_file(nowhere) == {}
