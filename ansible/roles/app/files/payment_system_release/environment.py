"""Owns the virtual environments on the host: one for each set of wheels, made once, and shared by all releases that run on it."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from payment_system_release.host import ENVIRONMENTS, RELEASES, FailedError, run
from payment_system_release.manifest import write_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

VENV: Final = "venv"
"""The link in a release that leads to its environment."""
# Compiled programs tell by their content, not by a time, what they were made of. Source: Python's documentation, py_compile.
SAME_EACH_TIME: Final = {"SOURCE_DATE_EPOCH": "0"}
# Debian keeps pip as a wheel for its `venv`; run from there, it stays out of what serves.
PIP_FOLDER: Final = Path("/usr/share/python-wheels")


def environment(wheels: Path, requirements: Path) -> Path:
    """The folder of the environment with these wheels. It is made now if it is not there yet.

    Args:
        wheels: an archive, named after what is in it.
        requirements: each wheel with its hash.

    Raises: FailedError; then there is no such folder.
    """
    folder = _folder(wheels)
    if not folder.exists():
        with fresh_environment(wheels, requirements) as partial:
            run(["sync", "--file-system", partial], why="The disk does not keep the virtual environment")
            partial.rename(folder)
    return folder


@contextmanager
def fresh_environment(wheels: Path, requirements: Path) -> Iterator[Path]:
    """The same, made anew in a folder that is gone after the block unless it was moved. Raises: FailedError."""
    partial = _folder(wheels).with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _install(partial, wheels, requirements)
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def prune_environments() -> None:
    """Remove each environment that no release runs on."""
    in_use = {(release / VENV).resolve() for release in RELEASES.iterdir()}
    for folder in ENVIRONMENTS.iterdir():
        if folder.resolve() not in in_use:
            shutil.rmtree(folder)


def _folder(wheels: Path) -> Path:
    return ENVIRONMENTS / wheels.name.partition(".")[0]


def _install(partial: Path, wheels: Path, requirements: Path) -> None:
    unpacked, python = partial / "wheels", partial / "bin/python"
    unpacked.mkdir()
    run(["tar", "--extract", "--no-same-owner", "--file", wheels, "--directory", unpacked], why="The wheels cannot be unpacked")
    run(["python3", "-m", "venv", "--without-pip", partial], why="No virtual environment can be made")
    pip = max(PIP_FOLDER.glob("pip-*.whl"), default=None)
    if pip is None:
        raise FailedError(f"There is no pip in {PIP_FOLDER}: install python3-venv.")
    run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir", "--no-index",
         "--find-links", unpacked, "--require-hashes", "--no-deps", "--requirement", requirements],
        why="The wheels cannot be installed", settings={"PYTHONPATH": str(pip), **SAME_EACH_TIME})
    shutil.rmtree(unpacked)
    write_manifest(partial)
