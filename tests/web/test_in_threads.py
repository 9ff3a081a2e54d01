"""A WSGI application beside an event loop: what it is asked, how its answer is sent, and that it is always told when that is over."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Event, current_thread, main_thread
from typing import TYPE_CHECKING, Any

import pytest

from app.web.in_threads import InThreads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCOPE = {
    "type": "http", "method": "POST", "path": "/pay", "query_string": b"to=bob", "http_version": "1.1", "scheme": "http",
    "headers": [(b"host", b"wave.test"), (b"content-length", b"7")],
}
END_SECONDS = 10


class Application:
    """Answers with these pieces, and notes what it was asked and whether it was closed."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.asked: list[str] = []
        self.closed = Event()

    def __call__(self, environ: Any, start_response: Callable[..., Any]) -> Application:
        assert current_thread() is not main_thread()
        self.asked.append(f"{environ['PATH_INFO']}?{environ['QUERY_STRING']} {environ['wsgi.input'].read(7).decode()}")
        start_response("303 SEE OTHER", [("Location", "/"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
        return self

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces)

    def close(self) -> None:
        self.closed.set()


def messages(application: Application, *, taken: int = 100) -> list[dict[str, Any]]:
    """What is sent to a client who takes so many messages and then goes away."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"abcdefg", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if len(sent) == taken:
            raise ConnectionResetError
        sent.append(message)

    with ThreadPoolExecutor(1) as thread:  # another thread, for Playwright's loop may run in this one
        thread.submit(asyncio.run, InThreads(application, threads=2)(SCOPE, receive, send)).result()
    return sent


def test_a_page_is_sent_whole() -> None:
    page = Application(b"<p>")
    assert messages(page) == [
        {"type": "http.response.start", "status": 303, "headers": [(b"location", b"/"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]},
        {"type": "http.response.body", "body": b"<p>", "more_body": False},
    ]
    assert page.asked == ["/pay?to=bob abcdefg"]
    assert page.closed.is_set()


@pytest.mark.parametrize(("pieces", "parts"), [
    ([], [(b"", False)]),
    ([b"a", b"b"], [(b"ab", True), (b"", False)]),
    ([b"a", b"b", b"c"], [(b"ab", True), (b"c", False)]),
])
def test_a_file_is_sent_part_by_part(pieces: list[bytes], parts: list[tuple[bytes, bool]]) -> None:
    file = Application(*pieces)
    assert [(each["body"], each["more_body"]) for each in messages(file)[1:]] == parts
    assert file.closed.is_set()


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_a_file_is_closed_when_its_client_goes_away(taken: int) -> None:
    file = Application(*[b"piece"] * 1000)
    with pytest.raises(ConnectionResetError):
        messages(file, taken=taken)
    assert file.closed.wait(END_SECONDS)


def test_an_application_that_fails_sends_nothing() -> None:
    def fails(_environ: Any, _start_response: Any) -> Any:
        raise LookupError

    with pytest.raises(LookupError):
        messages(fails)  # type: ignore[arg-type] # an application all the same
