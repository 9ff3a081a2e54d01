"""What the browser tests share: the real wallet behind gunicorn on a real database, and Chromium looking at it."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from playwright.sync_api import sync_playwright

from app import identity
from app.database import make_engine, make_sessions, transact
from app.local.web_server import serving
from app.settings import load_settings
from tests.conftest import PASSWORD, fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page
    from sqlalchemy.orm import Session

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
)
PHONE = {"width": 390, "height": 844}
LIMIT_MILLISECONDS = 15_000


class Pages(Protocol):
    """Opens a page in a browser of its own: own cookies, own size; signed in as `username` when that is given."""

    def __call__(self, username: str | None = None, **options: Any) -> Page: ...


@dataclass(frozen=True)
class Served:
    """A wallet that is served, and the way to its database."""

    address: str
    database_url: str


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"Chromium is not on this machine: there is no {CHROMIUM}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def served(chromium: Browser) -> Iterator[Served]:
    """Where the wallet is served, as in production but over plain HTTP. One for all tests of a process: each makes people of its own."""
    assert chromium.is_connected(), "without a browser there is nothing to serve"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with fresh_database() as database:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("PAYMENT_SYSTEM_", "DATABASE_", "COV_"))},
            "DATABASE_URL": database.app_url,
            "PAYMENT_SYSTEM_OPENING_BALANCE": "1000.00",
            "PAYMENT_SYSTEM_SECURE_COOKIES": "false",
        }
        with serving(f"127.0.0.1:{port}", environment):
            yield Served(f"http://127.0.0.1:{port}", database.app_url)


@pytest.fixture
def chromium_page(chromium: Browser, served: Served) -> Iterator[Pages]:
    """Makes pages: `chromium_page(java_script_enabled=False)`. A page that reports an error of its own fails the test."""
    contexts = []
    complaints: list[str] = []

    def make(username: str | None = None, **options: Any) -> Page:
        context = chromium.new_context(**{"base_url": served.address, "viewport": PHONE, **options})
        if username:
            context.add_cookies([{"name": "login", "value": _token_of_new(username, served), "url": served.address}])
        context.set_default_timeout(LIMIT_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None)
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def _token_of_new(username: str, served: Served) -> str:
    """Register somebody past the pages, which have a test of their own, and sign them in."""
    settings = load_settings({"DATABASE_URL": served.database_url, "PAYMENT_SYSTEM_OPENING_BALANCE": "1000.00"})

    def work(session: Session) -> str:
        identity.register(session, username=username, password=PASSWORD, display_name=username.partition("-")[0].title(), settings=settings)
        return identity.start_login(session, username, user_agent=None, settings=settings)

    engine = make_engine(settings.database_url, pool_size=1)
    token = transact(make_sessions(engine), work)
    engine.dispose()
    return token
