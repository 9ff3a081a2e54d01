"""Owns the counter of the tests of batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from psycopg2.extensions import set_wait_callback

from app.async_wait import install_wait_callback
from tests.asgi.counter import Counter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.database import Sessions
    from app.settings import Settings


@pytest.fixture
def counter(sessions: Sessions, settings: Settings, viewer: Any) -> Iterator[Counter]:
    """Where payments are handed in."""
    install_wait_callback()
    made = Counter(sessions, settings, viewer)
    yield made
    made.close()
    set_wait_callback(None)
