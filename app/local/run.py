"""Owns the steps of `make run`: check the address, start and fill the database, start the web server; stop all in reverse order."""

from __future__ import annotations

import logging
import signal
import sys
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Final

from app.devdb import Cluster, DevDatabaseError, data_major_version, delete_data, find_programs
from app.devdb.cluster import APP_ROLE, OWNER_ROLE
from app.devdb.errors import full_disk_error, reports_full_disk
from app.devdb.run_file import run_file_written
from app.errors import SettingError
from app.local.errors import LocalRunError, StopRequested
from app.local.options import ALL_INTERFACES, Options, check_port_is_free, parse_options
from app.local.web_server import serving, wait_for_exit
from app.settings import PREFIX, given_settings, load_settings, where_set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from app.demo import DemoLogin
    from app.settings import Settings

# Defaults of a local wallet. The environment and `.env` override them.
LOCAL_SETTINGS: Final = {
    "PAYMENT_SYSTEM_ENVIRONMENT": "development",
    "PAYMENT_SYSTEM_SECURE_COOKIES": "false",
    # A whole number is valid in every currency.
    "PAYMENT_SYSTEM_OPENING_BALANCE": "1000",
}
HOSTS: Final = f"{PREFIX}HOSTS"
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The database of this run: its URLs, and its cluster if this run started it."""

    url: str
    owner_url: str
    cluster: Cluster | None
    place: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and return the exit code: 0 after Ctrl-C or SIGTERM, 1 after an expected failure, 2 for a bad argument."""
    try:
        with _stop_requests():
            options = parse_options(arguments)
            if options.reset:
                _reset(options.data_folder)
            else:
                _run(options)
    except StopRequested:
        _print_lines("", "Stopped.")
    except (LocalRunError, DevDatabaseError, SettingError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is a program for a terminal
        return 1
    return 0


def _reset(data_folder: Path) -> None:
    existed = delete_data(data_folder)
    _print_lines(f"Forgot the data in {data_folder}." if existed else f"There was no data in {data_folder}.")


def _run(options: Options) -> None:
    check_port_is_free(options)
    environment = {**LOCAL_SETTINGS, HOSTS: options.hosts, **given_settings()}
    # Checked before the database is made: a refusal leaves nothing behind.
    load_settings({**environment, "DATABASE_URL": environment.get("DATABASE_URL", "").strip() or "postgresql://"})
    with _database(options, environment) as database:
        environment |= {"DATABASE_URL": database.url}
        settings = load_settings(environment)
        login = _interruptible(lambda: _migrate_and_seed(options, database, settings))
        with serving(options.bind, environment) as web_server, _run_file(database, environment) as has_run_file:
            _announce(options, database, login, has_run_file=has_run_file)
            wait_for_exit(web_server, database.cluster)


def _interruptible(work: Callable[[], DemoLogin | None]) -> DemoLogin | None:
    """Do `work` in a thread. A stop request abandons the thread; uncommitted changes are lost.

    A signal handler can raise anywhere in the main thread, also where nothing may be raised: within an import or a finalizer.
    """
    done: Future[DemoLogin | None] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again where the result is awaited
            done.set_exception(error)

    Thread(target=run, daemon=True).start()
    try:
        return done.result()
    except StopRequested:
        # The database stops under the thread: its errors are expected.
        logging.disable()
        raise


@contextmanager
def _database(options: Options, environment: Mapping[str, str]) -> Iterator[Database]:
    """The database of DATABASE_URL, or else a cluster that runs until the context ends."""
    given = environment.get("DATABASE_URL", "").strip()
    if given:
        settings = load_settings(environment)
        owner_url = settings.database_owner_url or settings.database_url
        yield Database(url=given, owner_url=owner_url, cluster=None, place="the database of DATABASE_URL")
        return
    programs = find_programs(major=data_major_version(options.data_folder))
    with Cluster.create_or_open(options.data_folder, programs) as cluster:
        cluster.start()
        cluster.prepare()
        urls = {"url": cluster.url(role=APP_ROLE), "owner_url": cluster.url(role=OWNER_ROLE)}
        yield Database(**urls, cluster=cluster, place=str(options.data_folder))


def _migrate_and_seed(options: Options, database: Database, settings: Settings) -> DemoLogin | None:
    """Run the migrations, and make demo people if wanted. Returns: a demo login, if there is one."""
    # Imported here: a bad argument, a used port and --reset need no SQLAlchemy, which is slow to load.
    from psycopg2 import Error as DriverError
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import DBAPIError, OperationalError
    from sqlalchemy.orm import Session

    from app.ledger import check_currency
    from app.migrations import upgrade

    # The database of DATABASE_URL may be for real people: there, demo people are made only on request.
    demo = options.demo if options.demo is not None else database.cluster is not None
    try:
        upgrade(database.owner_url)
        with Session(create_engine(database.owner_url, poolclass=NullPool)) as session:
            check_currency(session, settings.currency)
        if not demo:
            return None
        from app.demo import seed

        return seed(database.owner_url, currency_code=settings.currency.code)
    except (DBAPIError, DriverError) as error:
        if reports_full_disk(str(error)) or (database.cluster and database.cluster.has_full_disk()):
            raise full_disk_error(options.data_folder) from error
        if database.cluster is None and isinstance(error, OperationalError):
            raise LocalRunError(
                f"{where_set('DATABASE_URL')}The database of DATABASE_URL cannot be used ({_first_line(error)}): "
                "mend the address or start that database."
            ) from error
        raise


@contextmanager
def _run_file(database: Database, environment: Mapping[str, str]) -> Iterator[bool]:
    """Write the run file for the operator's commands. A database of DATABASE_URL needs none: the commands know that setting."""
    if database.cluster is None:
        yield False
        return
    ours = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    with run_file_written({**ours, "DATABASE_URL": database.url, "DATABASE_OWNER_URL": database.owner_url}) as has_run_file:
        yield has_run_file


def _announce(options: Options, database: Database, login: DemoLogin | None, *, has_run_file: bool) -> None:
    lines = ["", f"Wave is at {options.address}"]
    if options.host in ALL_INTERFACES:
        lines.append("Anyone who can reach this machine can open it, without encryption: for trying out only.")
    if login is not None:
        lines.append(f"Log in as {login.username} with the password {login.password}, or create an account.")
    if has_run_file:
        lines.append("The operator's commands reach this database, for example `.venv/bin/flask users list`.")
    _print_lines(*lines, f"The data is in {database.place} and stays. Ctrl-C stops everything.", "")


def _print_lines(*lines: str) -> None:
    # Flushed, for a reader at the other end of a pipe.
    print(*lines, sep="\n", flush=True)  # noqa: T201 - this is a program for a terminal


@contextmanager
def _stop_requests() -> Iterator[None]:
    """The first stop signal raises StopRequested. Later ones are ignored until the process ends, so that the stop is not interrupted."""

    def ask(_number: int, _frame: object) -> None:
        for each in STOP_SIGNALS:
            # A function, not SIG_IGN: children would inherit SIG_IGN.
            signal.signal(each, lambda _number, _frame: None)
        raise StopRequested

    after = {each: signal.signal(each, ask) for each in STOP_SIGNALS}
    try:
        yield
    except StopRequested:
        # No child is left. Python removes handlers at its end, but keeps SIG_IGN.
        after = dict.fromkeys(STOP_SIGNALS, signal.SIG_IGN)
        raise
    finally:
        for each, handler in after.items():
            signal.signal(each, handler)


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", error)).strip().splitlines()[0]
