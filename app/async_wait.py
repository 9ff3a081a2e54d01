"""Owns waiting for PostgreSQL: on an event loop it gives way to others, in a thread it blocks; in neither without an end.

So the same plain functions, sessions and driver serve both. Psycopg2 calls `wait` wherever it would stand still in C; SQLAlchemy's
greenlets carry the wait from the depth of plain code to the loop.
Source: psycopg2's documentation, "Support for coroutine libraries"; SQLAlchemy's, "Using awaitable-only driver methods".
"""

from __future__ import annotations

import asyncio
import select
import sys
from threading import local
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar, TypeVarTuple, Unpack, cast

from greenlet import greenlet
from psycopg2 import OperationalError
from psycopg2.extensions import POLL_OK, POLL_READ, STATUS_SETUP, set_wait_callback
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.util.concurrency import await_only, in_greenlet

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
    from sqlalchemy import URL, Pool
    from sqlalchemy.pool import ConnectionPoolEntry

Given = TypeVarTuple("Given")
Result = TypeVar("Result")

# PostgreSQL itself gives up a statement after 5 s: one that is silent for longer is frozen, or cut off.
LIMIT_SECONDS: Final = 6
# Who connects waits for no statement. With the silence before it, and one more call that is waited for, a request ends within 15 s.
CONNECTING_LIMIT_SECONDS: Final = 3


class FairPool(AsyncAdaptedQueuePool):
    """Connections for an event loop: those who wait are served in the order in which they came.

    SQLAlchemy's own pool lets whoever comes just when a connection is returned go before those who wait.
    """

    def __init__(self, creator: Any, pool_size: int = 5, **options: Any) -> None:  # noqa: ANN401 - as SQLAlchemy passes them on
        super().__init__(creator, pool_size, **options)
        self._turns = asyncio.Semaphore(pool_size)

    def _do_get(self) -> ConnectionPoolEntry:
        await_only(self._turn())
        try:
            return super()._do_get()
        except BaseException:
            self._turns.release()
            raise

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        super()._do_return_conn(record)
        self._turns.release()

    async def _turn(self) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._turns.acquire()
        except TimeoutError:
            raise PoolTimeoutError(f"no connection was free for {self._timeout} s") from None


class EventLoopDialect(PGDialect_psycopg2):
    """SQLAlchemy's dialect for psycopg2 on an event loop: its pool and locks give way, too."""

    is_async = True
    supports_statement_cache = True

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:
        """The pool of its engines."""
        del url
        return FairPool


# What an address begins with whose connections are to be used by `run_on_loop` alone.
DRIVER_ON_LOOP: Final = "postgresql+psycopg2_event_loop"
registry.register(DRIVER_ON_LOOP.replace("+", "."), __name__, EventLoopDialect.__name__)


def install_wait_callback() -> None:
    """Have every connection of this process wait by `wait` from now on. To be called before there are threads that connect."""
    # SQLAlchemy prepares its greenlets when it is first asked about them, and comes to grief when several threads ask at once.
    in_greenlet()
    set_wait_callback(wait)


async def run_on_loop(work: Callable[[Unpack[Given]], Result], *arguments: *Given) -> Result:
    """Run plain code on the event loop, which goes on with others whenever it waits for the database."""
    idle = IDLE.workers
    worker = idle.pop() if idle else GreenletWorker()
    result = worker.switch((work, arguments))
    while not isinstance(result, Ended):
        try:
            value = await result
        except BaseException:  # noqa: BLE001 - the work sees it where it waits
            result = worker.throw(*sys.exc_info())
        else:
            result = worker.switch(value)
    idle.append(worker)
    if result.failure is not None:
        raise result.failure
    return cast("Result", result.value)


class Ended(NamedTuple):
    """How work ended."""

    value: object = None
    failure: BaseException | None = None


class GreenletWorker(greenlet):
    """Runs one piece of work after the other. What it waits for goes to the event loop's own greenlet, which awaits it.

    A new greenlet for each piece of work, as `sqlalchemy.util.greenlet_spawn` makes it, costs 8 of a payment's 100 µs: CPython maps
    memory for its frames, and gives it back.
    """

    __sqlalchemy_greenlet_provider__ = True
    """SQLAlchemy's sign for a greenlet in which its `await_only` may be called."""

    def run(self, given: tuple[Callable[..., object], tuple[object, ...]]) -> None:
        """Work, until nobody switches to it any more."""
        while True:
            work, arguments = given
            try:
                ended = Ended(work(*arguments))
            except Exception as failure:  # noqa: BLE001 - raised where the work was asked for
                ended = Ended(failure=failure)
            given = self.parent.switch(ended)


class Idle(local):
    """The workers of a thread that have nothing to do."""

    def __init__(self) -> None:
        self.workers: list[GreenletWorker] = []


IDLE: Final = Idle()


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
