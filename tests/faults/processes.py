"""Owns processes that are broken on purpose: ending and freezing them, and awaiting their end."""

from __future__ import annotations

import os
import select
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tests.load.accounting import children

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from app.devdb import Cluster


def postgres(cluster: Cluster) -> list[int]:
    """All processes of a running PostgreSQL, the one that started the others first."""
    assert cluster.process_id
    return [cluster.process_id, *children(cluster.process_id)]


def end_now(*process_ids: int) -> None:
    """Kill -9; none of them gets to do anything about it."""
    for process_id in process_ids:
        with suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)


def wait_for_end(process_ids: Iterable[int], *, seconds: float) -> None:
    """Return when these have ended. Raises: AssertionError when one has not after so long. Source: pidfd_open(2)."""
    for process_id in process_ids:
        with suppress(ProcessLookupError):
            descriptor = os.pidfd_open(process_id)
            try:
                poll = select.poll()
                poll.register(descriptor, select.POLLIN)
                assert poll.poll(seconds * 1000), f"process {process_id} does not end"
            finally:
                os.close(descriptor)


@contextmanager
def frozen(process_ids: Iterable[int]) -> Iterator[None]:
    """They stand still until the context ends: neither an answer nor an end of a connection comes from them."""
    stopped = list(process_ids)
    for process_id in stopped:
        with suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        for process_id in stopped:
            with suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGCONT)
