"""Fixtures of the tests of the development database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.devdb.folder import temporary_folder
from tests.devdb.clusters import programs_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.devdb import Programs


@pytest.fixture(params=["machine", "wheel"])
def programs(request: pytest.FixtureRequest) -> Programs:
    return programs_of(request.param)


@pytest.fixture
def wheel() -> Programs:
    return programs_of("wheel")


@pytest.fixture
def folder() -> Iterator[Path]:
    with temporary_folder() as path:
        yield path
