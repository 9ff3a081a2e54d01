"""Owns posting together the payments that wait at the same time: while one call is under way, those that arrive go in the next.

It is the database's group commit one storey higher: one call, one commit and one lock of a busy account for all of them. Nobody
waits on a timer: an idle poster posts one payment at once, alone. Knows no HTTP.
"""

from __future__ import annotations

import logging
from asyncio import create_task, get_running_loop
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from app import ledger
from app.database import CONFLICT_TRIES, expected_failure, is_conflict
from app.errors import ConflictRetryError, DatabaseUnavailableError, NotFoundError, SelfPaymentError, UnauthenticatedError
from app.identity import Scope, introduce
from app.money import Money
from app.payments.history import Direction, Payment, PaymentKind
from app.waiting import giving_way

if TYPE_CHECKING:
    from asyncio import Future, Task
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from sqlalchemy import Connection, Engine

    from app.identity import Introduction, Person, Viewer

# Enough that the price of a call is shared by many, and few enough that none of them waits for long.
MAXIMUM_PAYMENTS_PER_CALL: Final = 64

# After a group had to give up on a lock, each of it tries alone, and the one that is stuck does not hold up the others for long.
ALONE_LOCK_TIMEOUT_MILLISECONDS: Final = 100

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A payment that somebody wants to make, with the proof of who they are."""

    token_digest: bytes
    """SHA-256 of the payer's API token."""
    idempotency_key: UUID
    to: str
    """The payee's handle, in lower case."""
    amount: Money
    memo: str | None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an order."""

    viewer: Viewer | None = None
    payment: Payment | None = None
    """As the payer sees it; None when it was refused, or was in the books already and may have been refunded since."""
    payment_id: UUID | None = None
    replayed: bool = False
    failure: Exception | None = None


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
        for _ in range(CONFLICT_TRIES):
            try:
                with self._engine.connect() as connection, _patience(connection, lock_timeout_milliseconds):
                    return settle(Session(connection), orders)
            except NothingPostedError:
                log.info("connection", extra={"detail": "it had broken while idle; the next one is taken"})
            except DBAPIError as error:
                if not is_conflict(error):
                    raise expected_failure(error) from error
            except PoolTimeoutError as error:
                raise DatabaseUnavailableError(str(error)) from error
        raise ConflictRetryError(f"{len(orders)} payments in conflict {CONFLICT_TRIES} times")


class NothingPostedError(Exception):
    """The connection broke before anything was posted, so the same may be done on another."""


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


def _introduced(session: Session, orders: Sequence[Order]) -> list[Introduction]:
    try:
        return introduce(session, [(order.token_digest, order.to) for order in orders])
    except DBAPIError as error:
        if error.connection_invalidated:
            raise NothingPostedError from error
        raise


def settle(session: Session, orders: Sequence[Order]) -> list[Settled]:
    """Find who is meant, and post what may be posted: two statements, however many orders. Each fails or succeeds on its own.

    Args:
        session: on a connection in autocommit.

    Raises: NothingPostedError when the connection had broken before.
    """
    found = _introduced(session, orders)
    refusals = [_refusal(order, each) for order, each in zip(orders, found, strict=True)]
    wishes = [_wish(order, each) for order, each, refusal in zip(orders, found, refusals, strict=True) if refusal is None]
    postings = iter(ledger.post_many(session, wishes, atomic=False) if wishes else ())
    return [
        Settled(viewer=each.viewer, failure=refusal) if refusal else _settled(order, each, next(postings))
        for order, each, refusal in zip(orders, found, refusals, strict=True)
    ]


def _refusal(order: Order, found: Introduction) -> Exception | None:
    if found.viewer is None:
        message = "This API token is not valid, or was revoked. Make a new one on the account page."
        return UnauthenticatedError("unknown bearer token", user_message=message)
    try:
        found.viewer.require(Scope.PAY)
    except Exception as error:  # noqa: BLE001 - kept for whoever waits
        return error
    if order.to == found.viewer.username:
        return SelfPaymentError(found.viewer.username)
    if found.person is None:
        return NotFoundError(f"no user {order.to[:40]!r}", user_message="There is nobody by that username. Check the spelling.", field="to")
    return None


def _wish(order: Order, found: Introduction) -> ledger.Wish:
    viewer, payee = _known(found)
    return ledger.Wish(
        transfer_id=order.idempotency_key, source=viewer.account_id, destination=payee.account_id, amount=order.amount, memo=order.memo,
    )


def _settled(order: Order, found: Introduction, posted: ledger.Posting | Exception) -> Settled:
    viewer, payee = _known(found)
    if isinstance(posted, Exception):
        return Settled(viewer=viewer, failure=posted)
    if posted.replayed:
        return Settled(viewer=viewer, payment_id=posted.transfer_id, replayed=True)
    payment = Payment(
        id=posted.transfer_id, kind=PaymentKind.PAYMENT, direction=Direction.SENT, amount=posted.amount,
        counterparty_username=payee.username, counterparty_display_name=payee.display_name, counterparty_joined_at=payee.joined_at,
        memo=order.memo, created_at=posted.created_at, balance_after=posted.source_balance,
        refunded=Money(0, posted.amount.currency_info), refund_of=None, number=posted.source_number,
    )
    return Settled(viewer=viewer, payment=payment, payment_id=posted.transfer_id)


def _known(found: Introduction) -> tuple[Viewer, Person]:
    assert found.viewer is not None  # noqa: S101 - what is not refused has both; said to mypy
    assert found.person is not None  # noqa: S101 - as above
    return found.viewer, found.person
