"""Owns the bridge from ASGI to WSGI, by which the pages run in threads. A whole page is one call in one thread."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any

from a2wsgi.wsgi import Body, build_environ

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    Message = dict[str, Any]
    Application = Callable[[Any, Any], Iterable[bytes]]


class InThreads:
    """Runs a WSGI application in threads, as an ASGI application.

    a2wsgi's own bridge waits for the event loop with each part of a response. That costs as much as a small page.
    """

    def __init__(self, application: Application, *, threads: int) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="pages")

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Answer one request. A file is sent in parts, as fast as the client reads."""
        loop = asyncio.get_running_loop()
        body = Body(loop, receive)  # type: ignore[arg-type] # the same dictionaries under other names
        answer = _Answer()
        environ = build_environ(scope, body)  # type: ignore[arg-type] # as above
        part = await loop.run_in_executor(self._threads, answer.begin, self._application, environ)
        try:
            await send(answer.start)
            await send(part)
            while part["more_body"]:
                part = await loop.run_in_executor(self._threads, answer.read)
                await send(part)
        finally:
            if part["more_body"]:
                # The client is gone. Closing may take time, so a thread does it.
                self._threads.submit(answer.close)


class _Answer:
    """The response of the application, as ASGI messages. Its methods are for one thread at a time."""

    def begin(self, application: Application, environ: Any) -> Message:  # noqa: ANN401 - of a2wsgi's own type
        """Run the application. Returns the first part, which is all of a page."""
        self._pieces = application(environ, self._start)
        self._left = iter(self._pieces)
        return self.read()

    def read(self) -> Message:
        """The next part."""
        # Two pieces, because only a missing second piece tells that the first is the last.
        pieces = list(islice(self._left, 2))
        more_follow = len(pieces) > 1
        if not more_follow:
            self.close()
        return {"type": "http.response.body", "body": b"".join(pieces), "more_body": more_follow}

    def close(self) -> None:
        """Tell the application that the response is over. Source: PEP 3333, "close"."""
        getattr(self._pieces, "close", lambda: None)()

    def _start(self, status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:  # noqa: ANN401 - PEP 3333's own
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self.start = {"type": "http.response.start", "status": int(status.partition(" ")[0]), "headers": encoded}
