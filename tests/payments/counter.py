"""Owns the counter where tests hand payments in: people with tokens, and a poster on an event loop of its own."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import text

from app import identity, ledger
from app.amounts import parse_amount
from app.database import make_engine, transact
from app.identity import Scope, UseOfTokens, token_digest
from app.payments import Order, Poster, Question, Reader, Seen, Settled
from app.payments.seeing import see
from app.payments.settling import settle
from app.waiting import giving_way
from tests.statements import each_statement

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from concurrent.futures import Future

    from sqlalchemy import Connection

    from app.database import Sessions
    from app.settings import Settings

LIMIT_SECONDS = 60

Result = TypeVar("Result")


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
        self.used = UseOfTokens(self.engine)
        self.poster = Poster(self.engine, self.used)
        self.reader = Reader(self.engine, self.used, self.settings.currency)
        self.listening = ExitStack()
        self.listening.enter_context(each_statement(self._note, self.engine))

    def start(self) -> None:
        self.thread.start()

    def close(self) -> None:
        if not self.thread.is_alive():
            self.start()
        self.on_loop(giving_way(self.engine.dispose))
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

    def order(self, payer: str, to: str, amount: str, key: UUID | None = None, memo: str | None = None) -> Order:
        return Order(token_digest=token_digest(self.tokens.get(payer, payer)), idempotency_key=key or uuid4(), to=to,
                     amount=parse_amount(amount, self.settings.currency), memo=memo)

    def together(self, *orders: Order) -> list[Settled]:
        """What one call makes of these."""
        return self._at_once(lambda connection: settle(connection, orders))

    def seen_together(self, *questions: Question) -> list[Seen | None]:
        """What one call sees of these."""
        return self._at_once(lambda connection: see(connection, questions, self.settings.currency))

    def _at_once(self, work: Callable[[Connection], Result]) -> Result:
        def connected() -> Result:
            with self.engine.connect() as connection:
                return work(connection)

        if not self.thread.is_alive():
            self.start()
        return self.on_loop(giving_way(connected))

    def hand_in(self, *orders: Order) -> list[Future[Settled]]:
        return [asyncio.run_coroutine_threadsafe(self.poster.settle(order), self.loop) for order in orders]

    def ask(self, *questions: Question) -> list[Future[Seen | None]]:
        return [asyncio.run_coroutine_threadsafe(self.reader.see(question), self.loop) for question in questions]

    def question(self, owner: str, *before_number: int) -> Question:
        return Question(token_digest(self.tokens.get(owner, owner)), *before_number)

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


def kinds(outcomes: Sequence[Settled]) -> list[type | None]:
    return [type(each.failure) if each.failure else None for each in outcomes]
