"""Who waits for PostgreSQL gives way on an event loop and blocks in a thread, and in neither waits for ever."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import greenlet
import psycopg2
import pytest
from psycopg2.extensions import set_wait_callback
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.util.concurrency import await_only

from app import async_wait
from app.async_wait import install_wait_callback, run_on_loop
from app.database import make_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from sqlalchemy import Engine

    from app.settings import Settings
    from tests.conftest import Database

SLEEP = "SELECT pg_sleep(0.3), pg_backend_pid()"


@pytest.fixture(autouse=True)
def waits() -> Iterator[None]:
    install_wait_callback()
    yield
    set_wait_callback(None)


def on_a_loop(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    with ThreadPoolExecutor(1) as thread:  # the browser's driver keeps a loop of its own in the main thread
        return thread.submit(lambda: asyncio.run(work())).result()


def asked(engine: Engine, question: str = SLEEP) -> Any:
    with engine.connect() as connection:
        return connection.execute(text(question)).one()[1]


def test_on_a_loop_others_go_on_while_one_waits(settings: Settings) -> None:
    async def work() -> tuple[set[Any], int]:
        engine, turns = make_engine(settings.database_url, pool_size=3, on_event_loop=True), 0
        tasks = [asyncio.create_task(run_on_loop(asked, engine)) for _ in range(6)]
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            turns += 1
        found = {task.result() for task in tasks}
        await run_on_loop(engine.dispose)
        return found, turns

    processes, turns = on_a_loop(work)
    # Six ask over three connections: the pool's queue gives way, too.
    assert len(processes) == 3
    assert turns > 10


def test_a_silent_database_is_given_up_on_a_loop_and_in_a_thread(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(async_wait, "LIMIT_SECONDS", 0.1)

    async def work() -> float:
        engine = make_engine(settings.database_url, pool_size=1, on_event_loop=True)
        await run_on_loop(asked, engine, "SELECT 1, 2")
        began = time.monotonic()
        with pytest.raises(Exception, match="no answer for") as silence:
            await run_on_loop(asked, engine)
        assert silence.value.connection_invalidated  # type: ignore[attr-defined] # a DBAPIError
        await run_on_loop(asked, engine, "SELECT 1, 2")
        await run_on_loop(engine.dispose)
        return time.monotonic() - began

    assert on_a_loop(work) < 5
    connection = psycopg2.connect(settings.database_url.replace("+psycopg2", ""))
    with pytest.raises(psycopg2.OperationalError, match="no answer for"):
        connection.cursor().execute(SLEEP)
    assert connection.closed


@pytest.mark.parametrize("way", ["on a loop", "in a thread"])
def test_a_server_that_takes_connections_and_says_nothing_is_given_up_sooner_than_a_slow_statement(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(async_wait, "CONNECTING_LIMIT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"postgresql+psycopg2://somebody@127.0.0.1:{silent.getsockname()[1]}/any"
        engine = make_engine(address, pool_size=1, on_event_loop=way == "on a loop")

        async def work() -> None:
            await run_on_loop(asked, engine)

        began = time.monotonic()
        with pytest.raises(OperationalError, match=r"no answer for 0\.1 s"):
            on_a_loop(work) if way == "on a loop" else asked(engine)
        assert time.monotonic() - began < async_wait.LIMIT_SECONDS


def test_who_is_cancelled_leaves_no_connection_in_between(settings: Settings, database: Database) -> None:
    def is_asked() -> bool:
        return bool(database.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"))

    async def work() -> Any:
        engine = make_engine(settings.database_url, pool_size=1, on_event_loop=True)
        task = asyncio.create_task(run_on_loop(asked, engine))
        while not await asyncio.to_thread(is_asked):
            pass
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        found = await run_on_loop(asked, engine, "SELECT 1, 2")
        await run_on_loop(engine.dispose)
        return found

    assert on_a_loop(work) == 2


def test_greenlets_are_prepared_before_there_are_threads_that_could_ask_at_once() -> None:
    first_use = """
from sqlalchemy.util import concurrency
from app.async_wait import install_wait_callback
install_wait_callback()
concurrency._concurrency_shim_cls._initialize = None  # it fails whoever needs it from now on
print(concurrency.in_greenlet())
"""
    done = subprocess.run([sys.executable, "-c", first_use], cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_greenlets_are_used_again_whatever_their_work_ended_with() -> None:
    def fail() -> None:
        raise LookupError("work")

    async def work() -> list[object]:
        workers = [await run_on_loop(greenlet.getcurrent)]
        with pytest.raises(LookupError, match="work"):
            await run_on_loop(fail)
        waiting_on = asyncio.create_task(run_on_loop(await_only, asyncio.Event().wait()))
        await asyncio.sleep(0)
        workers.append(await run_on_loop(greenlet.getcurrent))  # the first one is in use
        waiting_on.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting_on
        return [*workers, await run_on_loop(greenlet.getcurrent)]

    first, second, third = on_a_loop(work)
    assert (first is second, second is third) == (False, True)
    assert on_a_loop(work)[0] is not first  # a thread has workers of its own
