"""The Makefile: its list of targets, the variables that it passes on, and its message without Python."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.local.runs import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


MAKE_NEEDS = ("sh", "sed", "expand", "touch")


def made(
    *arguments: str, environment: Mapping[str, str] | None = None, folder: Path = CHECKOUT
) -> subprocess.CompletedProcess[str]:
    names = {"PATH": os.environ["PATH"], **(environment or {})}
    make = shutil.which("make")
    assert make is not None
    return subprocess.run([make, *arguments], cwd=folder, env=names, check=False, capture_output=True, text=True)


def test_bare_make_lists_every_target() -> None:
    listed = re.findall(r"^  make (\S+)", made().stdout, re.MULTILINE)
    written = re.findall(r"^([a-z][a-z-]*):", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == written
    assert {"run", "reset", "test", "lint", "lock", "clean"} <= set(listed)


def test_make_passes_its_variables_on_and_ignores_host_of_the_environment() -> None:
    given = ("HOST=::1", "PORT=5001", "DATA=/Amara's \"own\"  `folder`", "DEMO=0")
    line = made("--dry-run", "run", *given).stdout.splitlines()[-1]
    expected = ["--data", "/Amara's \"own\"  `folder`", "--host", "::1", "--port", "5001", "--no-demo"]
    assert shlex.split(line.split("app.local ")[1]) == expected
    line = made("--dry-run", "reset", given[2]).stdout.splitlines()[-1]
    assert shlex.split(line.split("app.local ")[1]) == [*expected[:2], "--reset"]
    line = made("--dry-run", "run", "DEMO=1", environment={"HOST": "laptop.example"}).stdout.splitlines()[-1]
    assert line.split("app.local ")[1].split() == ["--demo"]
    assert "DEMO is 0 or 1" in made("--dry-run", "run", "DEMO=maybe").stderr


def test_python_stores_its_compiled_files_even_if_the_shell_disables_it() -> None:
    started = made("--eval", "seen: ; @env", "seen", environment={"PYTHONDONTWRITEBYTECODE": "1", "LANG": "C"}).stdout
    assert "LANG=C" in started
    assert "PYTHONDONTWRITEBYTECODE" not in started


@pytest.mark.parametrize(
    ("python", "sentence"),
    [
        ("exit 1", "Wave needs Python 3.11, 3.12 or 3.13: install one, or name it with PYTHON=/path/to/python3.\n"),
        (
            'case "$2" in *ensurepip*) exit 1;; esac',
            "on Debian or Ubuntu run 'apt-get install python3-venv' as root, then this again.\n",
        ),
    ],
)
def test_an_unsuitable_python_is_one_sentence(folder: Path, python: str, sentence: str) -> None:
    for name in ("Makefile", "requirements.txt", "requirements-run.txt"):
        shutil.copy(CHECKOUT / name, folder)
    programs = folder / "bin"
    programs.mkdir()
    for name in MAKE_NEEDS:
        (programs / name).symlink_to(shutil.which(name) or "")
    for name in ("python3", "python3.13", "python3.12", "python3.11"):
        (programs / name).write_text(f"#!/bin/sh\n{python}\n", encoding="ascii")
        (programs / name).chmod(0o755)
    done = made("run", environment={"PATH": str(programs)}, folder=folder)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert not (folder / ".venv").exists()
