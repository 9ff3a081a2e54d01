"""Owns the counter where tests hand payments in: people with tokens, and batchers on an event loop of its own."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import text

from app import identity, ledger
from app.amounts import parse_amount
from app.asgi.batching import Batcher
from app.asgi.runtime import PAYMENTS_PER_BATCH, WALLETS_PER_BATCH
from app.asgi.token_use import TokenUse
from app.async_wait import run_on_loop
from app.database import make_engine, transact
from app.identity import Scope, token_digest
from app.payments import BEYOND_ALL_NUMBERS, PAYMENTS_PER_PAGE, Order, Payer, WalletRequest, read_wallets, send_payments
from tests.statements import each_statement

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from concurrent.futures import Future

    from sqlalchemy import Connection

    from app.database import Sessions
    from app.payments import Payment, Sent, WalletSnapshot
    from app.settings import Settings

LIMIT_SECONDS = 60

Result = TypeVar("Result")


@dataclass(frozen=True)
class Outcome:
    """What became of an order."""

    failure: Exception | None = None
    payment: Payment | None = None
    payment_id: UUID | None = None
    replayed: bool = False

    @classmethod
    def of(cls, sent: Sent) -> Outcome:
        if sent.failure:
            return cls(failure=sent.failure)
        assert sent.viewer
        posting = sent.made()
        return cls(payment=sent.payment_of(sent.viewer), payment_id=posting.transfer_id, replayed=posting.replayed)


class Counter:
    """Where payments are handed in: people with tokens, and a poster."""

    def __init__(self, sessions: Sessions, settings: Settings, viewer: Any) -> None:
        self.sessions, self.settings, self.viewer = sessions, settings, viewer
        self.tokens: dict[str, str] = {}
        self.groups: list[int] = []
        self.loop = asyncio.new_event_loop()
        self.thread = Thread(target=self.loop.run_forever)
        self.open()

    def open(self) -> None:
        self.engine = make_engine(self.settings.database_url, pool_size=3, on_event_loop=True)
        self.used = TokenUse(self.engine)
        self.poster = Batcher(self.engine, send_payments, most=PAYMENTS_PER_BATCH)
        self.reader = Batcher(self.engine, partial(read_wallets, currency=self.settings.currency), most=WALLETS_PER_BATCH)
        self.listening = ExitStack()
        self.listening.enter_context(each_statement(self._note, self.engine))

    def start(self) -> None:
        self.thread.start()

    def close(self) -> None:
        if not self.thread.is_alive():
            self.start()
        self.on_loop(run_on_loop(self.engine.dispose))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
        self.listening.close()

    def on_loop(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(LIMIT_SECONDS)

    def join(self, username: str, *scopes: Scope) -> str:
        person = self.viewer(username)
        issued = transact(self.sessions, lambda session: identity.create_api_token(
            session, person, name="till", scopes=scopes or tuple(Scope)))
        self.tokens[username] = issued.secret
        return username

    def order(self, payer: str, to: str, amount: str, key: UUID | None = None, memo: str | None = None) -> tuple[Payer, Order]:
        order = Order(idempotency_key=key or uuid4(), to=to, amount=parse_amount(amount, self.settings.currency), memo=memo)
        return Payer(token_digest(self.tokens.get(payer, payer))), order

    def together(self, *orders: tuple[Payer, Order]) -> list[Outcome]:
        """What one call makes of these."""
        return [Outcome.of(sent) for sent in self._at_once(lambda connection: send_payments(connection, orders))]

    def seen_together(self, *questions: WalletRequest) -> list[WalletSnapshot | None]:
        """What one call sees of these."""
        return self._at_once(lambda connection: read_wallets(connection, questions, self.settings.currency))

    def _at_once(self, work: Callable[[Connection], Result]) -> Result:
        def connected() -> Result:
            with self.engine.connect() as connection:
                return work(connection)

        if not self.thread.is_alive():
            self.start()
        return self.on_loop(run_on_loop(connected))

    def hand_in(self, *orders: tuple[Payer, Order]) -> list[Future[Outcome]]:
        async def settled(order: tuple[Payer, Order]) -> Outcome:
            try:
                sent = await self.poster.ask(order)
            except Exception as failure:  # noqa: BLE001 - an outcome like any other
                return Outcome(failure=failure)
            if sent.token_to_note:
                self.used.note(sent.token_to_note)
            return Outcome.of(sent)

        return [asyncio.run_coroutine_threadsafe(settled(order), self.loop) for order in orders]

    def ask(self, *questions: WalletRequest) -> list[Future[WalletSnapshot | None]]:
        async def seen(question: WalletRequest) -> WalletSnapshot | None:
            snapshot = await self.reader.ask(question)
            if snapshot and snapshot.token_to_note:
                self.used.note(snapshot.token_to_note)
            return snapshot

        return [asyncio.run_coroutine_threadsafe(seen(question), self.loop) for question in questions]

    def question(self, owner: str, before_number: int = BEYOND_ALL_NUMBERS, *, first: int = PAYMENTS_PER_PAGE) -> WalletRequest:
        return WalletRequest(token_digest(self.tokens.get(owner, owner)), before_number=before_number, first=first)

    def balance(self, username: str) -> str:
        person = transact(self.sessions, lambda session: identity.find_person(session, username))
        with self.sessions() as session:
            balance = session.scalar(text(f"SELECT balance FROM ledger.accounts WHERE id = {person.account_id}"))
        return str(balance)

    def books(self) -> list[ledger.Break]:
        return transact(self.sessions, ledger.verify)

    def _note(self, _statement: str, values: dict[str, Any]) -> None:
        if "digests" in values:
            self.groups.append(values["digests"].count(",") + 1)


def kinds(outcomes: Sequence[Outcome]) -> list[type | None]:
    return [type(each.failure) if each.failure else None for each in outcomes]
