"""Owns waiting for PostgreSQL: on an event loop it gives way to others, in a thread it blocks; in neither without an end.

So the same plain functions, sessions and driver serve both. Psycopg2 calls `wait` wherever it would stand still in C; SQLAlchemy's
greenlets carry the wait from the depth of plain code to the loop.
Source: psycopg2's documentation, "Support for coroutine libraries"; SQLAlchemy's, "Using awaitable-only driver methods".
"""

from __future__ import annotations

import asyncio
import select
from typing import TYPE_CHECKING, Final, TypeVar, TypeVarTuple, Unpack

from psycopg2 import OperationalError
from psycopg2.extensions import POLL_OK, POLL_READ, STATUS_SETUP, set_wait_callback
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.util.concurrency import await_only, greenlet_spawn, in_greenlet

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

Given = TypeVarTuple("Given")
Result = TypeVar("Result")

# PostgreSQL itself gives up a statement after 5 s: one that is silent for longer is frozen, or cut off.
LIMIT_SECONDS: Final = 6
# Who connects waits for no statement. With the silence before it, and one more call that is waited for, a request ends within 15 s.
CONNECTING_LIMIT_SECONDS: Final = 3


class GivingWayDialect(PGDialect_psycopg2):
    """SQLAlchemy's dialect for psycopg2 on an event loop: its pool and locks give way, too."""

    is_async = True
    supports_statement_cache = True


# What an address begins with whose connections are to be used by `giving_way` alone.
DRIVER_ON_LOOP: Final = "postgresql+psycopg2_giving_way"
registry.register(DRIVER_ON_LOOP.replace("+", "."), __name__, GivingWayDialect.__name__)


def wait_here() -> None:
    """Have every connection of this process wait by `wait` from now on. To be called before there are threads that connect."""
    # SQLAlchemy prepares its greenlets when it is first asked about them, and comes to grief when several threads ask at once.
    in_greenlet()
    set_wait_callback(wait)


async def giving_way(work: Callable[[Unpack[Given]], Result], *arguments: *Given) -> Result:
    """Run plain code on the event loop, which goes on with others whenever it waits for the database."""
    return await greenlet_spawn(work, *arguments)


def wait(connection: Connection) -> None:
    """Wait until the connection has what it was asked for. Raises: OperationalError after too long a silence."""
    seconds = CONNECTING_LIMIT_SECONDS if connection.status == STATUS_SETUP else LIMIT_SECONDS
    while (state := connection.poll()) != POLL_OK:
        if in_greenlet():
            await_only(_ready(connection.fileno(), reads=state == POLL_READ, seconds=seconds))
        else:
            _block(connection.fileno(), reads=state == POLL_READ, seconds=seconds)


async def _ready(descriptor: int, *, reads: bool, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    limit = loop.call_later(seconds, _end, ready, _silence(seconds))
    (loop.add_reader if reads else loop.add_writer)(descriptor, _end, ready, None)
    try:
        await ready
    finally:
        (loop.remove_reader if reads else loop.remove_writer)(descriptor)
        limit.cancel()


def _end(ready: asyncio.Future[None], failure: Exception | None) -> None:
    if ready.done():
        return
    if failure:
        ready.set_exception(failure)
    else:
        ready.set_result(None)


def _block(descriptor: int, *, reads: bool, seconds: float) -> None:
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN if reads else select.POLLOUT)
    if not waiting.poll(seconds * 1000):
        raise _silence(seconds)


def _silence(seconds: float) -> OperationalError:
    return OperationalError(f"no answer for {seconds} s")
