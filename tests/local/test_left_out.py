"""A test that this machine cannot run is skipped and reported; in CI it is a failure."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.local.runs import CHECKOUT

WALLS = "tests/infra/test_walls.py"
REASON = "this machine lacks systemd-analyze, which counts"


@pytest.mark.parametrize(("ci", "exit_status", "told"), [("", 0, "SKIPPED"), ("true", 1, "CI leaves no test out. Skipped: " + REASON)])
def test_a_test_that_this_machine_cannot_run_is_skipped_and_fails_in_ci(ci: str, exit_status: int, told: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WAVE_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-n", "0", "--no-cov", WALLS]
    done = subprocess.run(command, cwd=CHECKOUT, env={**kept, "CI": ci, "PATH": "/nowhere"}, check=False, capture_output=True, text=True)
    assert (done.returncode, told in done.stdout, REASON in done.stdout) == (exit_status, True, True), done.stdout
