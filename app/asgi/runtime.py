"""Owns what runs on a worker's event loop: requests whose shared calls go in batches, and threads for the rest."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy.util.concurrency import await_only

from app.api import DirectCalls, RequestFailedError
from app.asgi.batching import Batcher
from app.asgi.token_use import TokenUse
from app.async_wait import install_wait_callback, run_on_loop
from app.database import make_engine, make_sessions
from app.errors import DatabaseUnavailableError
from app.payments import PAYMENTS_PER_PAGE, read_wallets, send_payments

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from app.api import ApiResponse, Calls
    from app.http import Runtime
    from app.money import Currency
    from app.payments import Order, Payer, Sent, WalletRequest, WalletSnapshot

# Each waits for the database or hashes a password most of its time; as many as the pool has connections could use, nearly.
THREADS: Final = 8
# One sends payments, one reads wallets, one notes which tokens are in use.
BATCH_CONNECTIONS: Final = 3
PAYMENTS_PER_BATCH: Final = 64
WALLETS_PER_BATCH: Final = 32
# A request may wait for the batch before its own, for its own, and for what it looks up then. Each has a limit; this one is for all.
REQUEST_LIMIT_SECONDS: Final = 13

Item = TypeVar("Item")
Result = TypeVar("Result")


class AsyncRuntime:
    """Runs requests on the event loop where it is made.

    Args:
        runtime: whose settings and payment rate limit hold. The event loop has connections of its own.
    """

    def __init__(self, runtime: Runtime) -> None:
        install_wait_callback()
        settings = runtime.settings
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="graphql")
        # Batches have connections of their own: other reads, however many and slow, leave them alone.
        sizes = (BATCH_CONNECTIONS, settings.database_pool_size)
        self._engines = [make_engine(settings.database_url, pool_size=size, on_event_loop=True) for size in sizes]
        self._runtime = replace(runtime, sessions=make_sessions(self._engines[1]))
        self._token_use = TokenUse(self._engines[0])
        self._payments = Batcher(self._engines[0], send_payments, most=PAYMENTS_PER_BATCH)
        self._wallets = Batcher(self._engines[0], partial(read_wallets, currency=settings.currency), most=WALLETS_PER_BATCH)

    async def run(self, work: Callable[[Runtime, Calls], ApiResponse]) -> ApiResponse:
        """Run plain code here. The loop goes on with others whenever it waits for a connection, for PostgreSQL, or for a batch.

        Raises: DatabaseUnavailableError after REQUEST_LIMIT_SECONDS. A payment that waits for its batch stays there.
        """
        try:
            async with asyncio.timeout(REQUEST_LIMIT_SECONDS):
                return await run_on_loop(work, self._runtime, self)
        except TimeoutError:
            raise DatabaseUnavailableError(f"no answer within {REQUEST_LIMIT_SECONDS} s") from None

    async def in_thread(self, work: Callable[[], ApiResponse]) -> ApiResponse:
        """Run this in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def send_payment(self, _session: Session, payer: Payer, order: Order) -> Sent:
        """Send a payment together with the others that wait, in a transaction of theirs."""
        sent = _result(self._payments, (payer, order))
        if sent.token_to_note:
            self._token_use.note(sent.token_to_note)
        return sent

    def read_wallet(self, session: Session, request: WalletRequest, currency: Currency) -> WalletSnapshot | None:
        """Read a wallet together with the others that wait. A large page is read alone: the others would wait for it."""
        is_large = request.first > PAYMENTS_PER_PAGE
        snapshot = DirectCalls().read_wallet(session, request, currency) if is_large else _result(self._wallets, request)
        if snapshot and snapshot.token_to_note:
            self._token_use.note(snapshot.token_to_note)
        return snapshot

    async def stop(self) -> None:
        """End when everything that was taken has its answer."""
        for each in (self._payments, self._wallets, self._token_use):
            await each.stop()
        await asyncio.to_thread(self._threads.shutdown)
        for engine in self._engines:
            await run_on_loop(engine.dispose)


def _result(batcher: Batcher[Item, Result], item: Item) -> Result:
    try:
        return await_only(batcher.ask(item))
    except Exception as failure:
        raise RequestFailedError(failure) from failure
