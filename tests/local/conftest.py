"""Fixtures of the tests of `make run`."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from app.devdb.folder import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def folder() -> Iterator[Path]:
    with temporary_folder() as path:
        yield path


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number
