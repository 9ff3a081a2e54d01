"""What runs on a worker's event loop: first come, first served, and nothing without an end."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from psycopg2.extensions import set_wait_callback
from sqlalchemy import text

from app import create_app
from app.api.answer import ApiResponse
from app.asgi.runtime import AsyncRuntime
from app.errors import DatabaseUnavailableError

if TYPE_CHECKING:
    from app.http import Runtime
    from app.settings import Settings


def test_who_waits_for_a_connection_is_served_before_who_comes_later(settings: Settings) -> None:
    answered = dict.fromkeys(range(6), 0)

    async def ask_on_and_on(runtime: AsyncRuntime, person: int) -> None:
        def read(runtime: Runtime, _calls: object) -> ApiResponse:
            with runtime.sessions() as session:
                session.execute(text("SELECT pg_sleep(0.002)"))
            return ApiResponse(status=200, body=b"")

        while sum(answered.values()) < 300:
            await runtime.run(read)
            answered[person] += 1

    async def work() -> None:
        runtime = AsyncRuntime(create_app(replace(settings, database_pool_size=2)).extensions["wave"])
        await asyncio.gather(*(ask_on_and_on(runtime, person) for person in answered))
        await runtime.stop()

    with ThreadPoolExecutor(1) as executor:  # another thread, for Playwright's loop may run in this one
        try:
            executor.submit(asyncio.run, work()).result()
        finally:
            set_wait_callback(None)
    assert min(answered.values()) >= 45  # of 50 each


def test_a_request_ends_when_its_waits_together_are_too_long(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.asgi.runtime.REQUEST_LIMIT_SECONDS", 0.2)

    def wait(runtime: Runtime, _calls: object) -> ApiResponse:
        with runtime.sessions() as session:
            for _ in range(100):
                session.execute(text("SELECT pg_sleep(0.05)"))
        return ApiResponse(status=200, body=b"")

    def read(runtime: Runtime, _calls: object) -> ApiResponse:
        with runtime.sessions() as session:
            session.execute(text("SELECT 1"))
        return ApiResponse(status=200, body=b"")

    async def work() -> int:
        runtime = AsyncRuntime(create_app(replace(settings, database_pool_size=1)).extensions["wave"])
        with pytest.raises(DatabaseUnavailableError, match="no answer within"):
            await runtime.run(wait)
        answered = await runtime.run(read)  # over the one connection that there may be
        await runtime.stop()
        return answered.status

    with ThreadPoolExecutor(1) as executor:  # as above
        try:
            assert executor.submit(asyncio.run, work()).result() == 200
        finally:
            set_wait_callback(None)
