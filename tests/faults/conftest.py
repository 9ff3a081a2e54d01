"""Owns what the fault tests share: a stand on a disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.stand import Stand, stand

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def serving_stand() -> Iterator[Stand]:
    """A wallet that serves, as in production."""
    with stand() as made:
        made.serve()
        assert made.ready(), made.log()
        yield made
