"""Owns making calls of the database in batches: items that arrive while a batch runs wait for the next batch.

Nothing waits on a timer: an item that arrives while no batch runs is a batch of its own, at once. Source: the data-loader pattern;
PostgreSQL's group commit does the same for transactions.
"""

from __future__ import annotations

import logging
import time
from asyncio import create_task, get_running_loop
from collections import deque
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from sqlalchemy import text

from app.async_wait import run_on_loop
from app.database import transact
from app.errors import ConflictRetryError, DatabaseUnavailableError

if TYPE_CHECKING:
    from asyncio import Future, Task
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection, Engine

Item = TypeVar("Item")
Result = TypeVar("Result")

# After a batch gives up on a lock, each item of it is tried alone. An item that is stuck does not hold up the next batch for long.
ALONE_LOCK_TIMEOUT_MILLISECONDS: Final = 100
ALONE_STATEMENT_TIMEOUT_MILLISECONDS: Final = 500
ALONE_SECONDS: Final = 1

log = logging.getLogger(__name__)


class Batcher(Generic[Item, Result]):
    """Runs one batch at a time, on the event loop where it is used.

    Args:
        engine: for an event loop; one connection of it is used at a time.
        call: takes a connection in autocommit and the items, returns the result of each in its place. It may run twice for an item.
        most: items in a batch. Many items share the price of a call, and none of them waits for long.
    """

    def __init__(self, engine: Engine, call: Callable[[Connection, Sequence[Item]], Sequence[Result]], *, most: int) -> None:
        self._engine = engine
        self._call = call
        self._most = most
        self._waiting: deque[tuple[Item, Future[Result]]] = deque()
        self._running: Task[None] | None = None

    async def ask(self, item: Item) -> Result:
        """The result of this item. An item whose asker is cancelled stays in its batch.

        Raises: what the call raised for this item.
        """
        outcome: Future[Result] = get_running_loop().create_future()
        self._waiting.append((item, outcome))
        if self._running is None or self._running.done():
            self._running = create_task(self._run())
        return await outcome

    async def stop(self) -> None:
        """Return when every item that was asked before has its result."""
        if self._running is not None:
            await self._running

    async def _run(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most))]
            results: Sequence[Result | Exception]
            try:
                results = await run_on_loop(self._results, [item for item, _ in batch])
            except Exception as error:  # noqa: BLE001 - a result like any other, for those who wait
                results = [error] * len(batch)
            for (_, outcome), result in zip(batch, results, strict=True):
                if outcome.done():  # its asker is gone
                    continue
                if isinstance(result, Exception):
                    outcome.set_exception(result)
                else:
                    outcome.set_result(result)

    def _results(self, items: Sequence[Item]) -> Sequence[Result | Exception]:
        """A lock that one item waits for, or a bug that it meets, stays its own."""
        try:
            return self._transact(items)
        except DatabaseUnavailableError:
            raise  # whether it was stored is unknown; the same idempotency key tells
        except Exception as error:
            if len(items) == 1:
                raise
            log.warning("batch", extra={"items": len(items), "detail": str(error)})
            return self._one_by_one(items)

    def _one_by_one(self, items: Sequence[Item]) -> Sequence[Result | Exception]:
        results: list[Result | Exception] = []
        end = time.monotonic() + ALONE_SECONDS
        for item in items:
            if time.monotonic() > end:
                return results + [ConflictRetryError("no time left for it alone")] * (len(items) - len(results))
            try:
                results += self._transact([item], is_patient=False)
            except DatabaseUnavailableError as error:
                return results + [error] * (len(items) - len(results))
            except Exception as error:  # noqa: BLE001 - as above
                results.append(error)
        return results

    def _transact(self, items: Sequence[Item], *, is_patient: bool = True) -> Sequence[Result]:
        def work(connection: Connection) -> Sequence[Result]:
            with nullcontext() if is_patient else impatience(connection):
                return self._call(connection, items)

        return transact(self._engine.connect, work)


@contextmanager
def impatience(connection: Connection) -> Iterator[None]:
    """Wait for locks, and for the statement, only briefly."""
    connection.execute(text(f"SET lock_timeout = {ALONE_LOCK_TIMEOUT_MILLISECONDS}"))
    connection.execute(text(f"SET statement_timeout = {ALONE_STATEMENT_TIMEOUT_MILLISECONDS}"))
    try:
        yield
    finally:
        if not connection.invalidated:  # a dead one has nothing to put back
            connection.execute(text("RESET lock_timeout"))
            connection.execute(text("RESET statement_timeout"))
