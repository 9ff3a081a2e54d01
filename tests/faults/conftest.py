"""Owns what the fault tests share: how large they are, and a stand on a disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.faults.stand import Stand, stand

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE_VARIABLE = "WAVE_FAULTS"


@pytest.fixture(scope="session")
def times() -> int:
    """How many times the size of CI's: 1, and 10 in `make soak`."""
    return int(os.environ.get(SIZE_VARIABLE, "1"))


@pytest.fixture
def serving_stand() -> Iterator[Stand]:
    """A wallet that serves, as in production."""
    with stand() as made:
        made.serve()
        assert made.ready(), made.log()
        yield made
