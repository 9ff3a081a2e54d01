"""Owns posting together the payments that wait at the same time: while one call is under way, those that arrive go in the next.

It is the database's group commit one storey higher: one call, one commit and one lock of a busy account for all of them. Nobody
waits on a timer: an idle poster posts one payment at once, alone. Knows no HTTP.
"""

from __future__ import annotations

import logging
from asyncio import create_task, get_running_loop
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from app.database import CONFLICT_TRIES, expected_failure, is_conflict
from app.errors import ConflictRetryError, DatabaseUnavailableError
from app.payments.settling import Settled, settle
from app.waiting import giving_way

if TYPE_CHECKING:
    from asyncio import Future, Task
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Engine

    from app.payments.settling import Order

# Enough that the price of a call is shared by many, and few enough that none of them waits for long.
MAXIMUM_PAYMENTS_PER_CALL: Final = 64

# After a group had to give up on a lock, each of it tries alone, and the one that is stuck does not hold up the others for long.
ALONE_LOCK_TIMEOUT_MILLISECONDS: Final = 100

log = logging.getLogger(__name__)


class Poster:
    """Posts what is given to it by one connection, on the event loop where it is used.

    Args:
        engine: of its own, for an event loop.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: deque[tuple[Order, Future[Settled]]] = deque()
        self._posting: Task[None] | None = None

    async def settle(self, order: Order) -> Settled:
        """Settle this order with the next call. Who is cancelled meanwhile is settled all the same; the same id tells them."""
        outcome: Future[Settled] = get_running_loop().create_future()
        self._waiting.append((order, outcome))
        if self._posting is None or self._posting.done():
            self._posting = create_task(self._post_what_waits())
        return await outcome

    async def stop(self) -> None:
        """Return when everything that was given before is settled."""
        if self._posting is not None:
            await self._posting

    async def _post_what_waits(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAXIMUM_PAYMENTS_PER_CALL))]
            settled = await giving_way(self._settle, [order for order, _ in group])
            for (_, outcome), each in zip(group, settled, strict=True):
                if not outcome.done():  # who asked may be gone
                    outcome.set_result(each)

    def _settle(self, orders: Sequence[Order]) -> list[Settled]:
        """What became of each; never raises. What one of a group is stuck on, or a bug that it meets, stays its own."""
        try:
            return self._settle_together(orders)
        except DatabaseUnavailableError as error:
            # Whether it was stored, nobody knows; the same id will tell.
            return [Settled(failure=error)] * len(orders)
        except Exception as error:  # noqa: BLE001 - an outcome like any other, for whoever waits
            if len(orders) == 1:
                return [Settled(failure=error)]
            log.warning("group", extra={"payments": len(orders), "detail": str(error)})
            return [self._settle_alone(order) for order in orders]

    def _settle_alone(self, order: Order) -> Settled:
        try:
            return self._settle_together([order], lock_timeout_milliseconds=ALONE_LOCK_TIMEOUT_MILLISECONDS)[0]
        except Exception as error:  # noqa: BLE001 - as above
            return Settled(failure=error)

    def _settle_together(self, orders: Sequence[Order], *, lock_timeout_milliseconds: int | None = None) -> list[Settled]:
        """What became of each. A connection that breaks is replaced once: their ids see to it that nothing is posted twice."""
        broken_before = False
        for _ in range(CONFLICT_TRIES):
            try:
                with self._engine.connect() as connection, _patience(connection, lock_timeout_milliseconds):
                    return settle(Session(connection), orders)
            except DBAPIError as error:
                if not is_conflict(error) and (broken_before or not error.connection_invalidated):
                    raise expected_failure(error) from error
                broken_before = broken_before or error.connection_invalidated
                log.info("again", extra={"payments": len(orders), "connection_broke": error.connection_invalidated})
            except PoolTimeoutError as error:
                raise DatabaseUnavailableError(str(error)) from error
        raise ConflictRetryError(f"{len(orders)} payments in conflict {CONFLICT_TRIES} times")


@contextmanager
def _patience(connection: Connection, lock_timeout_milliseconds: int | None) -> Iterator[None]:
    """Wait for locks no longer than this, where it is given."""
    if lock_timeout_milliseconds is None:
        yield
        return
    connection.execute(text(f"SET lock_timeout = {lock_timeout_milliseconds}"))
    try:
        yield
    finally:
        connection.execute(text("RESET lock_timeout"))
