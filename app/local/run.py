"""Owns the order of a local run: address free, database up and filled, web server up; and the same backwards at its end."""

from __future__ import annotations

import logging
import signal
import sys
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Final

from app.devdb import Cluster, DevDatabaseError, find_programs, forget, made_by
from app.devdb.cluster import APP_ROLE, OWNER_ROLE
from app.devdb.errors import full_disk, means_full_disk
from app.devdb.note import note_left
from app.errors import SettingError
from app.local.choices import EVERY_ADDRESS, Choices, read_choices, refuse_used_port
from app.local.errors import LocalRunError, StopRequested
from app.local.web_server import await_end, serving
from app.settings import PREFIX, given_settings, load_settings, where_set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from app.demo import DemoLogin
    from app.settings import Settings

# For a wallet on one's own machine; the environment and `.env` override each of them.
LOCAL_SETTINGS: Final = {
    "PAYMENT_SYSTEM_ENVIRONMENT": "development",
    "PAYMENT_SYSTEM_SECURE_COOKIES": "false",
    # A whole number, which every currency has.
    "PAYMENT_SYSTEM_OPENING_BALANCE": "1000",
}
HOSTS: Final = f"{PREFIX}HOSTS"
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """Where the database is, for the two who use it, and whose it is."""

    url: str
    owner_url: str
    cluster: Cluster | None
    place: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and return the process's exit code: 0 after Ctrl-C or SIGTERM, 1 after an expected failure, 2 for a bad argument."""
    try:
        with _stop_requests():
            choices = read_choices(arguments)
            if choices.reset:
                _reset(choices.data_folder)
            else:
                _run(choices)
    except StopRequested:
        _say("", "Stopped.")
    except (LocalRunError, DevDatabaseError, SettingError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is a program for a terminal
        return 1
    return 0


def _reset(data_folder: Path) -> None:
    existed = forget(data_folder)
    _say(f"Forgot the data in {data_folder}." if existed else f"There was no data in {data_folder}.")


def _run(choices: Choices) -> None:
    refuse_used_port(choices)
    environment = {**LOCAL_SETTINGS, HOSTS: choices.hosts, **given_settings()}
    # Before there is a database: what is refused leaves nothing behind.
    load_settings({**environment, "DATABASE_URL": environment.get("DATABASE_URL", "").strip() or "postgresql://"})
    with _database(choices, environment) as database:
        environment |= {"DATABASE_URL": database.url}
        settings = load_settings(environment)
        login = _interruptible(lambda: _fill(choices, database, settings))
        with serving(choices.bind, environment) as web_server, _note(database, environment) as is_noted:
            _announce(choices, database, login, is_noted=is_noted)
            await_end(web_server, database.cluster)


def _interruptible(work: Callable[[], DemoLogin | None]) -> DemoLogin | None:
    """Do this work in a thread. A stop request leaves it where it is, and what it has not committed is lost.

    Python raises what a signal asks for wherever it is just then, also where nothing may be raised: within an import, or a finalizer.
    """
    done: Future[DemoLogin | None] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised where the work is awaited
            done.set_exception(error)

    Thread(target=run, daemon=True).start()
    try:
        return done.result()
    except StopRequested:
        # The database goes away under the work, and what that has to say of it is no news.
        logging.disable()
        raise


@contextmanager
def _database(choices: Choices, environment: Mapping[str, str]) -> Iterator[Database]:
    """The database that was named, or else one of our own for as long as the context lasts."""
    given = environment.get("DATABASE_URL", "").strip()
    if given:
        settings = load_settings(environment)
        owner_url = settings.database_owner_url or settings.database_url
        yield Database(url=given, owner_url=owner_url, cluster=None, place="the database of DATABASE_URL")
        return
    programs = find_programs(major=made_by(choices.data_folder))
    with Cluster.create_or_open(choices.data_folder, programs) as cluster:
        cluster.start()
        cluster.prepare()
        urls = {"url": cluster.url(role=APP_ROLE), "owner_url": cluster.url(role=OWNER_ROLE)}
        yield Database(**urls, cluster=cluster, place=str(choices.data_folder))


def _fill(choices: Choices, database: Database, settings: Settings) -> DemoLogin | None:
    """Migrate, and make demo people where they are wanted. Returns: their login, if there is one to tell."""
    # Imported here: a bad argument, a used port and --reset are answered without waiting for SQLAlchemy.
    from psycopg2 import Error as DriverError
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import DBAPIError, OperationalError
    from sqlalchemy.orm import Session

    from app.ledger import check_currency
    from app.migrations import upgrade

    # Somebody's own database may be about to serve real people: there, demo people have to be asked for.
    demo = choices.demo if choices.demo is not None else database.cluster is not None
    try:
        upgrade(database.owner_url)
        with Session(create_engine(database.owner_url, poolclass=NullPool)) as session:
            check_currency(session, settings.currency)
        if not demo:
            return None
        from app.demo import seed

        return seed(database.owner_url, currency_code=settings.currency.code)
    except (DBAPIError, DriverError) as error:
        if means_full_disk(str(error)) or (database.cluster and database.cluster.disk_is_full()):
            raise full_disk(choices.data_folder) from error
        if database.cluster is None and isinstance(error, OperationalError):
            raise LocalRunError(
                f"{where_set('DATABASE_URL')}The database of DATABASE_URL cannot be used ({_first_line(error)}): "
                "mend the address or start that database."
            ) from error
        raise


@contextmanager
def _note(database: Database, environment: Mapping[str, str]) -> Iterator[bool]:
    """Tell the operator's commands of a database of our own; who named another one has its address."""
    if database.cluster is None:
        yield False
        return
    ours = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    with note_left({**ours, "DATABASE_URL": database.url, "DATABASE_OWNER_URL": database.owner_url}) as is_noted:
        yield is_noted


def _announce(choices: Choices, database: Database, login: DemoLogin | None, *, is_noted: bool) -> None:
    lines = ["", f"Wave is at {choices.address}"]
    if choices.host in EVERY_ADDRESS:
        lines.append("Anyone who can reach this machine can open it, without encryption: for trying out only.")
    if login is not None:
        lines.append(f"Log in as {login.username} with the password {login.password}, or create an account.")
    if is_noted:
        lines.append("The operator's commands reach this database, for example `.venv/bin/flask users list`.")
    _say(*lines, f"The data is in {database.place} and stays. Ctrl-C stops everything.", "")


def _say(*lines: str) -> None:
    # At once, for whoever reads it through a pipe.
    print(*lines, sep="\n", flush=True)  # noqa: T201 - this is a program for a terminal


@contextmanager
def _stop_requests() -> Iterator[None]:
    """Within the context the first stop signal raises StopRequested; later ones do nothing, so that the stop itself is not cut.

    They do nothing until the process has ended, too: whoever asked once may ask again while Python clears up.
    """

    def ask(_number: int, _frame: object) -> None:
        for each in STOP_SIGNALS:
            # A function and not SIG_IGN, which children would inherit.
            signal.signal(each, lambda _number, _frame: None)
        raise StopRequested

    after = {each: signal.signal(each, ask) for each in STOP_SIGNALS}
    try:
        yield
    except StopRequested:
        # No child is left. Python gives up handlers before it ends, but no signal that it ignores.
        after = dict.fromkeys(STOP_SIGNALS, signal.SIG_IGN)
        raise
    finally:
        for each, handler in after.items():
            signal.signal(each, handler)


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", error)).strip().splitlines()[0]
