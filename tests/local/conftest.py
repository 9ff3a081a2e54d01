"""Fixtures of the tests of `make run`."""

from __future__ import annotations

import shutil
import socket
from typing import TYPE_CHECKING

import pytest

from app.devdb import find_programs
from app.devdb.folder import temporary_folder
from tests.devdb.clusters import opened
from tests.local.runs import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def cluster_at(data: Path) -> Path:
    opened(data, find_programs()).close()
    return data


@pytest.fixture
def folder() -> Iterator[Path]:
    with temporary_folder() as path:
        yield path


@pytest.fixture
def data(folder: Path) -> Path:
    """A data folder with a cluster, so that a run does not have to make one."""
    return cluster_at(folder / "data")


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@pytest.fixture
def checkout(folder: Path) -> Path:
    """A checkout for the test, with its own run file and `.env`."""
    made = folder / "checkout"
    for name in ("app", "schema"):
        shutil.copytree(CHECKOUT / name, made / name)
    for name in ("gunicorn.conf.py", ".flaskenv", "Makefile", *(path.name for path in CHECKOUT.glob("requirements*"))):
        shutil.copy(CHECKOUT / name, made)
    return made
