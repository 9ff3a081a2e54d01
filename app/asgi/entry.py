"""Owns the entry that gunicorn serves: /graphql on the event loop, so that payments go in batches, all else through Flask.

Holds no rule of its own: both ways apply those of `app.http`, and the API's answers come from the same function.
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
import time
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from werkzeug.http import dump_cookie, parse_cookie

from app import create_app
from app.api import answer_async, failure, maximum_body_bytes
from app.asgi.runtime import THREADS, AsyncRuntime
from app.errors import WalletError
from app.http import RequestContext, Runtime, check_request, client_address, cookie_name, hsts_header, record_request, security_headers
from app.web.in_threads import InThreads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from flask import Flask

    from app.api import ApiResponse
    from app.settings import Settings

    Scope = dict[str, Any]
    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]

GRAPHQL_PATH: Final = "/graphql"
# The headers that are read. Those of proxies are read all, where there are several.
READ_HEADERS: Final = (b"host", b"origin", b"sec-fetch-site", b"authorization", b"cookie", b"user-agent", b"content-encoding",
                       b"content-type", b"x-forwarded-prefix")
FORWARDED_FOR: Final = b"x-forwarded-for"
SCRIPT_NAME: Final = os.environ.get("SCRIPT_NAME")
# nginx's status for it. What the request wanted may be done all the same.
CLIENT_IS_GONE: Final = 499
# From the moment when a connection is taken until its request is read, on a busy machine.
TAKEN_SECONDS: Final = 0.3
# How gunicorn tells a worker to stop: in time, or at once. Source: its page "Signal Handling", worker process.
STOP_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGQUIT, signal.SIGINT})


class BodyWatch:
    """Sees whether a request's body was read in full; an answer given before that closes the connection, and says so.

    What is left of the body would else be read as the next request. Source: RFC 9112, section 9.6.
    """

    def __init__(self, headers: Mapping[bytes, bytes], receive: Receive, send: Send) -> None:
        self._left_bytes = math.inf if b"transfer-encoding" in headers else int(headers.get(b"content-length", 0))
        self._receive, self._send = receive, send

    async def receive(self) -> dict[str, Any]:
        """As the server's."""
        message = await self._receive()
        self._left_bytes -= len(message.get("body", b""))
        if message["type"] == "http.request" and not message.get("more_body", False):
            self._left_bytes = 0
        return message

    async def send(self, message: dict[str, Any]) -> None:
        """As the server's."""
        if message["type"] == "http.response.start" and self._left_bytes > 0:
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        await self._send(message)


class Entry:
    """The ASGI application. Source: the ASGI specification 3.0, HTTP and lifespan."""

    def __init__(self, flask: Flask) -> None:
        self.runtime: Runtime = flask.extensions["wave"]
        self._pages = InThreads(flask.wsgi_app, threads=THREADS)
        self._loop: AsyncRuntime | None = None
        self._under_way = 0
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or go through the life of the process."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        self._under_way += 1
        self._is_idle.clear()
        try:
            await self._answer(scope, receive, send)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._is_idle.set()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        body = BodyWatch(headers, receive, send)
        # Another site's page may call the API where it is listed; its browser's questions are answered by Flask-CORS, among the pages.
        if scope["path"] == GRAPHQL_PATH and scope.get("method") == "POST" and b"origin" not in headers:
            await self._graphql(scope, headers, body)
        else:
            await self._pages(scope, body.receive, body.send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._loop = AsyncRuntime(self.runtime)
                # From here on the loop hears them (gunicorn.conf.py).
                signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._finish()
                if self._loop:
                    await self._loop.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _finish(self) -> None:
        """Return when each request is answered whose connection was taken before the stop.

        gunicorn waits for connections by itself, but on Python 3.12 and later it counts them before it knows of those that it took just
        then. No event tells of a connection whose request has not been read.
        """
        await asyncio.sleep(TAKEN_SECONDS)
        await self._is_idle.wait()

    async def _graphql(self, scope: Scope, headers: Mapping[bytes, bytes], watch: BodyWatch) -> None:
        began_seconds = time.monotonic()
        promised = hsts_header(self.runtime.settings)
        request_context, content_type = _request_context(scope, headers, self.runtime.settings)
        try:
            check_request(request_context, self.runtime.settings)
        except WalletError as error:
            made = failure(error, request_context)
        else:
            body = await _body(watch.receive, maximum_body_bytes(request_context))
            assert self._loop is not None  # nosec B101 # noqa: S101 - no request comes before the start-up is complete
            try:
                made = await answer_async(request_context, content_type=content_type, body=body, runtime=self.runtime, loop=self._loop)
            except asyncio.CancelledError:
                record_request(request_context, status=CLIENT_IS_GONE, username=None, began_seconds=began_seconds)
                raise
        await watch.send({"type": "http.response.start", "status": made.status, "headers": _headers(made, request_context, hsts=promised)})
        await watch.send({"type": "http.response.body", "body": made.body})
        # Nobody waits for the line.
        record_request(request_context, status=made.status, username=made.username, began_seconds=began_seconds,
                       audit_event=made.audit_event)


def create_entry() -> Entry:
    """The application, for gunicorn. Raises: SettingError, as `create_app`."""
    return Entry(create_app())


def _request_context(scope: Scope, sent: Mapping[bytes, bytes], settings: Settings) -> tuple[RequestContext, str | None]:
    headers = {name: sent[name].decode("latin-1") for name in READ_HEADERS if name in sent}
    cookie = headers.get(b"cookie")
    peer = scope["client"][0] if scope.get("client") else None
    forwarded_for = b",".join(value for name, value in scope["headers"] if name == FORWARDED_FOR) if FORWARDED_FOR in sent else b""
    request_context = RequestContext(
        method=scope["method"], path=scope["path"], host=headers.get(b"host", ""), scheme=scope.get("scheme", "http"),
        origin=headers.get(b"origin"), sec_fetch_site=headers.get(b"sec-fetch-site"), authorization=headers.get(b"authorization"),
        login_token=parse_cookie(cookie).get(cookie_name(secure=settings.secure_cookies)) if cookie else None,
        user_agent=headers.get(b"user-agent"),
        content_encoding=headers.get(b"content-encoding"),
        remote_address=client_address(peer, forwarded_for.decode("latin-1"), settings.trusted_proxies),
        # As a2wsgi has it for the pages.
        prefix=scope.get("root_path") or SCRIPT_NAME or headers.get(b"x-forwarded-prefix", ""),
    )
    return request_context, headers.get(b"content-type")


async def _body(receive: Receive, limit: int) -> bytes:
    """The body; of one that is too long, enough to see that it is."""
    body, more = b"", True
    while more and len(body) <= limit:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _headers(made: ApiResponse, request_context: RequestContext, *, hsts: str) -> list[tuple[bytes, bytes]]:
    own = {"Content-Length": str(len(made.body)), "X-Request-Id": request_context.request_id, **made.headers}
    cookies = [("Set-Cookie", dump_cookie(**cookie)) for cookie in made.cookies]
    return [*_same_headers(hsts=hsts), *_encoded([*own.items(), *cookies])]


@cache
def _same_headers(*, hsts: str) -> list[tuple[bytes, bytes]]:
    return _encoded([("Content-Type", "application/json"), *security_headers(private=True, hsts=hsts).items()])


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in headers]
