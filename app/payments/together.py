"""Owns posting together the payments that wait at the same time.

It is the database's group commit one storey higher: one call, one commit and one lock of a busy account for all of them.
Knows no HTTP.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from app.database import transact
from app.errors import ConflictRetryError, DatabaseUnavailableError
from app.payments.gathering import Gathering
from app.payments.settling import Settled, settle
from app.waiting import giving_way

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Engine

    from app.identity import UseOfTokens
    from app.payments.settling import Order

# Enough that the price of a call is shared by many, and few enough that none of them waits for long.
MAXIMUM_PAYMENTS_PER_CALL: Final = 64

# After a group had to give up on a lock, each of it tries alone, and the one that is stuck does not hold up the others for long.
ALONE_LOCK_TIMEOUT_MILLISECONDS: Final = 100
ALONE_STATEMENT_TIMEOUT_MILLISECONDS: Final = 500
ALONE_SECONDS: Final = 1

log = logging.getLogger(__name__)


class Poster:
    """Posts what is given to it by one call at a time, on the event loop where it is used.

    Args:
        engine: for an event loop; one connection of it posts.
        used: told which tokens were used.
    """

    def __init__(self, engine: Engine, used: UseOfTokens) -> None:
        self._engine = engine
        self._used = used
        self._gathering: Gathering[Order, Settled] = Gathering(self._settled, most=MAXIMUM_PAYMENTS_PER_CALL)

    async def settle(self, order: Order) -> Settled:
        """Settle this order with the next call. Who is cancelled meanwhile is settled all the same; the same id tells them."""
        return await self._gathering.ask(order)

    async def stop(self) -> None:
        """Return when everything that was given before is settled."""
        await self._gathering.stop()

    async def _settled(self, orders: Sequence[Order]) -> list[Settled]:
        """What became of each; never raises, or they would wait forever."""
        try:
            settled = await giving_way(self._settle, orders)
        except Exception as error:  # noqa: BLE001 - an outcome like any other, for whoever waits
            return [Settled(failure=error)] * len(orders)
        self._used.note(each.token_to_note for each in settled if each.token_to_note)
        return settled

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
            return self._settle_one_by_one(orders)

    def _settle_one_by_one(self, orders: Sequence[Order]) -> list[Settled]:
        """What became of each, alone and with little patience, so that those who wait for the next call do not wait for long."""
        settled: list[Settled] = []
        end = time.monotonic() + ALONE_SECONDS
        for order in orders:
            if time.monotonic() > end:
                return settled + [Settled(failure=ConflictRetryError("no time left for it alone"))] * (len(orders) - len(settled))
            try:
                settled += self._settle_together([order], is_patient=False)
            except DatabaseUnavailableError as error:
                return settled + [Settled(failure=error)] * (len(orders) - len(settled))
            except Exception as error:  # noqa: BLE001 - as above
                settled.append(Settled(failure=error))
        return settled

    def _settle_together(self, orders: Sequence[Order], *, is_patient: bool = True) -> list[Settled]:
        """What became of each. It may be done twice: their ids see to it that nothing is posted twice."""
        def work(connection: Connection) -> list[Settled]:
            with nullcontext() if is_patient else _impatience(connection):
                return settle(connection, orders)

        return transact(self._engine.connect, work)


@contextmanager
def _impatience(connection: Connection) -> Iterator[None]:
    """Wait for locks, and for the statement, only briefly."""
    connection.execute(text(f"SET lock_timeout = {ALONE_LOCK_TIMEOUT_MILLISECONDS}"))
    connection.execute(text(f"SET statement_timeout = {ALONE_STATEMENT_TIMEOUT_MILLISECONDS}"))
    try:
        yield
    finally:
        if not connection.invalidated:  # a dead one has nothing to put back
            connection.execute(text("RESET lock_timeout"))
            connection.execute(text("RESET statement_timeout"))
