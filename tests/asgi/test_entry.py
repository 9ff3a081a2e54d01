"""The entry on an event loop of the test: its lifespan, a payment by the fast path, and other requests."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from psycopg2.extensions import set_wait_callback

from app import identity
from app.asgi.entry import TAKEN_SECONDS, Entry
from app.database import transact
from app.identity import Scope

if TYPE_CHECKING:
    from flask import Flask

    from app.database import Sessions

PAY = "mutation ($input: SendPaymentInput!) { sendPayment(input: $input) { replayed payment { memo } errors { code } } }"


async def ask(
    entry: Entry, body: bytes, *headers: tuple[bytes, bytes], method: str = "POST", path: str = "/graphql",
    coming: asyncio.Event | None = None,
) -> tuple[int, bytes]:
    """The status and body of a response. The body of the request comes at once, or when the test releases it."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if coming:
            await coming.wait()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "http_version": "1.1", "method": method, "path": path, "root_path": "", "query_string": b"",
             "scheme": "http", "server": ("x", 80), "client": ("127.0.0.1", 1),
             "headers": [(b"host", b"x"), (b"content-type", b"application/json"), *headers]}
    await entry(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


async def paid_late(entry: Entry, living: asyncio.Task[None], body: bytes, bearer: tuple[bytes, bytes]) -> Any:
    """The errors of a payment whose connection was accepted before the stop and is read after it. The entry ends then."""
    await asyncio.sleep(0)
    coming = asyncio.Event()
    late = asyncio.create_task(ask(entry, body, bearer, coming=coming))
    await asyncio.wait([living], timeout=2 * TAKEN_SECONDS)
    assert (living.done(), late.done()) == (False, False)
    coming.set()
    status, text = await late
    assert status == 200
    await living
    return json.loads(text)["data"]["sendPayment"]["errors"]


def test_the_entry_starts_pays_and_stops(app: Flask, sessions: Sessions, viewer: Any) -> None:
    alice = viewer("alice")
    viewer("bob")
    secret = transact(sessions, lambda session: identity.create_api_token(session, alice, name="till", scopes=list(Scope))).secret
    bearer, key = (b"authorization", f"Bearer {secret}".encode()), str(uuid4())

    def order(**changed: Any) -> bytes:
        given = {"idempotencyKey": key, "to": "bob", "amount": "1.00", "memo": "lunch", **changed}
        return json.dumps({"query": PAY, "variables": {"input": given}}).encode()

    async def live() -> None:
        entry, life, told = Entry(app), asyncio.Queue[dict[str, Any]](), asyncio.Queue[dict[str, Any]]()
        living = asyncio.create_task(entry({"type": "lifespan"}, life.get, told.put))
        await life.put({"type": "lifespan.startup"})
        assert (await told.get())["type"] == "lifespan.startup.complete"
        for replayed in (False, True, True):  # the first request prepares the query and takes the ordinary path
            status, text = await ask(entry, order(), bearer)
            assert (status, json.loads(text)["data"]["sendPayment"]["replayed"]) == (200, replayed)
        status, text = await ask(entry, order(idempotencyKey=str(uuid4()), memo="tea"), bearer)
        assert json.loads(text)["data"]["sendPayment"] == {"replayed": False, "payment": {"memo": "tea"}, "errors": []}
        status, text = await ask(entry, order(idempotencyKey=str(uuid4()), amount="5000"), bearer)
        assert json.loads(text)["data"]["sendPayment"]["errors"] == [{"code": "INSUFFICIENT_FUNDS"}]
        assert [(await ask(entry, order(**{name: 5}), bearer))[0] for name in ("amount", "to", "memo")] == [200, 200, 400]
        assert (await ask(entry, order(), (b"authorization", b"Bearer wave_unknown")))[0] == 401
        assert (await ask(entry, b"{", bearer))[0] == 400
        assert (await ask(entry, order(), (b"sec-fetch-site", b"cross-site")))[0] == 403
        assert (await ask(entry, b"", method="GET", path="/healthz"))[0] == 200
        await life.put({"type": "lifespan.shutdown"})
        assert await paid_late(entry, living, order(idempotencyKey=str(uuid4())), bearer) == []
        assert (await told.get())["type"] == "lifespan.shutdown.complete"

    with ThreadPoolExecutor(1) as thread:  # the browser's driver keeps a loop of its own in the main thread
        thread.submit(asyncio.run, live()).result()
    set_wait_callback(None)
