"""docs/a-payment.md tells the way of a payment: each function that it links runs, in its order, and the way is not longer than it says."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from psycopg2.extensions import set_wait_callback

from app import identity
from app.asgi import Entry
from app.database import transact
from app.identity import Scope
from tests.asgi.test_entry import PAY, ask

if TYPE_CHECKING:
    from types import FrameType

    from flask import Flask

    from app.database import Sessions

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "a-payment.md").read_text()
WALK, REST = PAGE.split("**Back.**")
LINKED = [(name, f"app/{path}") for name, path in re.findall(r"\[`([\w.]+)`\]\(\.\./app/([\w/]+\.py)\)", WALK)]
# The log is written whenever the loop has a moment. What a comprehension runs is not a function that anyone reads.
NOT_COUNTED = re.compile(r"genexpr|comp>")


class Way:
    """The functions of `app` that run between two moments, until the payment's statement is sent."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.is_sent = False

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_call" and argument.__name__ == "execute":
            self.is_sent = True
        code = frame.f_code
        path = Path(code.co_filename)
        is_counted = path.is_relative_to(ROOT / "app") and path.name != "logs.py" and not NOT_COUNTED.search(code.co_qualname)
        if event == "call" and is_counted and not self.is_sent:
            self.calls.append((str(path.relative_to(ROOT)), code.co_qualname))


def test_each_function_that_the_page_links_runs_in_its_order_and_no_more_than_it_says(app: Flask, sessions: Sessions, viewer: Any) -> None:
    alice = viewer("alice")
    viewer("bob")
    secret = transact(sessions, lambda session: identity.create_api_token(session, alice, name="till", scopes=list(Scope))).secret

    async def live() -> Way:
        entry, life, told = Entry(app), asyncio.Queue[dict[str, Any]](), asyncio.Queue[dict[str, Any]]()
        living = asyncio.create_task(entry({"type": "lifespan"}, life.get, told.put))
        await life.put({"type": "lifespan.startup"})
        await told.get()
        for _ in range(3):  # the document is prepared by the first, the statement by the second
            body = json.dumps({"query": PAY, "variables": {"input": {"idempotencyKey": str(uuid4()), "to": "bob", "amount": "1"}}})
            way = Way()
            sys.setprofile(way)
            status, text = await ask(entry, body.encode(), (b"authorization", f"Bearer {secret}".encode()))
            sys.setprofile(None)
            assert (status, json.loads(text)["data"]["sendPayment"]["errors"]) == (200, [])
        await life.put({"type": "lifespan.shutdown"})
        await living
        return way

    with ThreadPoolExecutor(1) as executor:  # another thread, for Playwright's loop may run in this one
        try:
            way = executor.submit(asyncio.run, live()).result()
        finally:
            set_wait_callback(None)
    assert len(LINKED) > 10
    places = [way.calls.index((path, name)) for name, path in LINKED]
    assert places == sorted(places)
    functions, files = (int(number) for number in re.findall(r"\| today, [^|]*\| (\d+) \| (\d+) \|", REST)[0])
    assert len(set(way.calls)) <= functions
    assert len({path for path, _ in way.calls}) <= files
