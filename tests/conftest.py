"""Owns the shared fixtures: one real PostgreSQL for the whole run, a new migrated database for each test, signed-in people."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import psycopg2
import pytest
from jinja2 import FileSystemBytecodeCache

from app import create_app, identity, migrations
from app.database import make_engine, make_sessions, transact
from app.devdb import find_programs, temporary_cluster
from app.http import cookie_name
from app.identity.passwords import CONTEXT
from app.settings import Settings, load_settings
from tests.gunicorn import Served, serving
from tests.side_by_side import TestsByGroup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient
    from sqlalchemy.orm import Session
    from xdist.remote import Producer

    from app.database import Sessions
    from app.identity import Viewer

PASSWORD = "a long test phrase"
TEMPLATE = "wave_template"
OPENING_BALANCE = "1000.00"
ADDRESS_VARIABLE = "WAVE_TEST_CLUSTER"
TIMES_VARIABLE = "WAVE_TIMES"
# Which PostgreSQL the tests run on: "machine" or "wheel". By default the wheel's, which is the same on every machine.
SOURCE_VARIABLE = "WAVE_TEST_POSTGRESQL"
# Each connection of the tests is a process of PostgreSQL.
CLUSTER_SETTINGS = {"max_connections": "300", "shared_buffers": "128MB", "synchronous_commit": "off", "full_page_writes": "off",
                    "max_wal_size": "256MB", "autovacuum": "off"}
MEMORY, CLUSTER_BYTES = Path("/dev/shm"), 2 * 1024**3  # noqa: S108 - a folder of our own is made in it

FIGURE = "figure"
Figure = Callable[[str], None]

gc.set_threshold(50_000, 20, 100)  # loaded modules are large and stay: each full collection finds nothing
RUN = pytest.StashKey[ExitStack]()
USED: list[str] = []


@dataclass(frozen=True)
class Database:
    """The database of a test, with the URLs of its three roles."""

    name: str

    def url(self, role: str) -> str:
        return os.environ[ADDRESS_VARIABLE].format(database=self.name, role=role)

    @property
    def app_url(self) -> str:
        return self.url("payment_system")

    @property
    def owner_url(self) -> str:
        return self.url("payment_system_owner")

    @property
    def superuser_url(self) -> str:
        return self.url("postgres")

    def execute(self, statement: str, *, role: str = "postgres") -> list[tuple[Any, ...]]:
        """Run SQL without the program, as this role. Returns: the rows, if any."""
        connection = psycopg2.connect(self.url(role).replace("+psycopg2", ""))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    @contextmanager
    def holding(self, statement: str) -> Iterator[None]:
        """Another transaction runs this and holds its locks. It is rolled back when the context ends."""
        with closing(psycopg2.connect(self.superuser_url.replace("+psycopg2", ""))) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            yield


class Browsers(Protocol):
    """Makes a signed-in browser. The first call registers the person."""

    def __call__(self, username: str) -> FlaskClient: ...


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> TestsByGroup:
    return TestsByGroup(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Start PostgreSQL once, in the process that distributes the tests. The workers inherit its address."""
    if hasattr(config, "workerinput") or config.option.collectonly or config.option.help:
        return
    stack = config.stash[RUN] = ExitStack()
    source = os.environ.get(SOURCE_VARIABLE, "wheel")
    assert source in ("machine", "wheel"), f"{SOURCE_VARIABLE} is {source!r}: write machine or wheel"
    cluster = stack.enter_context(temporary_cluster(find_programs(source), CLUSTER_SETTINGS, parent=memory_with_room()))  # type: ignore[arg-type] # asserted
    os.environ[ADDRESS_VARIABLE] = cluster.url("{database}", "{role}").replace("%7B", "{").replace("%7D", "}")
    template = Database(TEMPLATE)
    Database("postgres").execute(f"CREATE DATABASE {TEMPLATE} OWNER payment_system_owner")
    migrations.upgrade(template.owner_url)


def memory_with_room() -> Path | None:
    """A folder in memory, where making a database takes a tenth of the time; None if there is none with enough space."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > CLUSTER_BYTES:
        return MEMORY
    return None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop PostgreSQL and delete its folder."""
    if RUN in config.stash:
        config.stash[RUN].close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test is a failure."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"CI leaves no test out. {reason}"
    return report


@cache
def _maker() -> psycopg2.extensions.cursor:
    """Makes and drops the databases of this process, over one connection instead of two for each."""
    connection = psycopg2.connect(Database("postgres").superuser_url.replace("+psycopg2", ""))
    connection.autocommit = True
    return connection.cursor()


@contextmanager
def fresh_database() -> Iterator[Database]:
    """A database with all migrations, made from a template; dropped soon after the context ends."""
    # The previous database is dropped only now: right after a connection ended, PostgreSQL waits 100 ms.
    while USED:
        _maker().execute(f"DROP DATABASE {USED.pop()} WITH (FORCE)")
    name = f"test_{uuid4().hex[:12]}"
    # By copying files: for a small template this is half the work of logging its pages.
    _maker().execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER payment_system_owner STRATEGY FILE_COPY")
    try:
        yield Database(name)
    finally:
        USED.append(name)


@pytest.fixture
def database() -> Iterator[Database]:
    """A new database for the test."""
    with fresh_database() as made:
        yield made


@pytest.fixture
def settings(database: Database) -> Settings:
    """The settings of `make run`, with the test's database."""
    return load_settings({
        "DATABASE_URL": database.app_url,
        "DATABASE_OWNER_URL": database.owner_url,
        "PAYMENT_SYSTEM_ENVIRONMENT": "development",
        "PAYMENT_SYSTEM_OPENING_BALANCE": OPENING_BALANCE,
        "PAYMENT_SYSTEM_SECURE_COOKIES": "false",
    })


@pytest.fixture
def sessions(settings: Settings) -> Iterator[Sessions]:
    """Sessions of the database, as the app's role."""
    engine = make_engine(settings.database_url, pool_size=50)
    yield make_sessions(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("templates")


@pytest.fixture
def app(settings: Settings, compiled_templates: Path) -> Iterator[Flask]:
    """The application on the test's database."""
    made = create_app(settings)
    # Every test has its own app, but the templates are the same: each is compiled once in a run.
    made.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(compiled_templates))
    yield made
    made.extensions["wave"].disconnect()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that is not signed in."""
    return app.test_client()


# Hashing is slow on purpose, and tests would wait for it. Servers that tests start hash at full cost.
FULL_PRICE = CONTEXT.to_dict()
CONTEXT.update(argon2__memory_cost=64, argon2__rounds=1)


@pytest.fixture
def full_price() -> Iterator[None]:
    """Passwords are hashed at full cost."""
    reduced = CONTEXT.to_dict()
    CONTEXT.load(FULL_PRICE)
    yield
    CONTEXT.load(reduced)


@pytest.fixture
def sign_in(sessions: Sessions, settings: Settings) -> Callable[[str], str]:
    """Signs people in and returns the token of the login. The first call registers the person."""
    registered: set[str] = set()

    def work(session: Session, username: str) -> str:
        if username not in registered:
            identity.register(session, username=username, password=PASSWORD, display_name=username.title(), settings=settings)
        return identity.start_login(session, username, user_agent="tests", settings=settings)

    def sign(username: str) -> str:
        token = transact(sessions, lambda session: work(session, username))
        registered.add(username)
        return token

    return sign


@pytest.fixture
def viewer(sessions: Sessions, settings: Settings, sign_in: Callable[[str], str]) -> Any:
    """Makes people for tests of the core: `viewer("alice")` registers her and returns her as the signed-in viewer."""

    def make(username: str) -> Viewer:
        token = sign_in(username)
        found = transact(sessions, lambda session: identity.viewer_of_login(session, token, settings))
        assert found is not None
        return found

    return make


@pytest.fixture
def browser(app: Flask, settings: Settings, sign_in: Callable[[str], str]) -> Browsers:
    """Makes signed-in browsers: `browser("alice")`."""

    def make(username: str) -> FlaskClient:
        made = app.test_client()
        made.set_cookie(cookie_name(secure=settings.secure_cookies), sign_in(username))
        return made

    return make


@pytest.fixture
def served(database: Database) -> Iterator[Served]:
    """The wallet on the test's database, served by gunicorn as in production."""
    with serving(database.app_url) as running:
        yield running


@pytest.fixture(scope="session")
def times() -> int:
    """How many times a test repeats its faults: 1 in `make test`, 10 in `make soak`."""
    return int(os.environ.get(TIMES_VARIABLE, "1"))


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Records a measured figure, which is printed at the end of the run."""
    return lambda text: record_property(FIGURE, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures of all processes."""
    reports = [each for outcome in ("passed", "failed") for each in terminalreporter.getreports(outcome)]
    figures = [str(text) for report in reports for name, text in report.user_properties if name == FIGURE]
    if figures:
        terminalreporter.section("figures")
        terminalreporter.write_line("\n".join(figures))
