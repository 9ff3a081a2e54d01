"""Owns the way to PostgreSQL: the engine, its time-outs, sessions, and another try when two transactions got in each other's way."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from psycopg2 import Error as DriverError
from psycopg2.extras import NamedTupleCursor
from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

from app.async_wait import DRIVER_ON_LOOP
from app.errors import ConflictRetryError, DatabaseUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from sqlalchemy import CompoundSelect, Engine, Select, TextClause

Result = TypeVar("Result")
NamedRow = Any
"""A named tuple of a query's columns, or SQLAlchemy's own row of the same."""
Unit = TypeVar("Unit", Session, Connection)
"""What a transaction is done in: kept by its commit, and by nothing else."""
Sessions = sessionmaker[Session]

STATEMENT_TIMEOUT_SECONDS: Final = 5
LOCK_TIMEOUT_SECONDS: Final = 3
IDLE_IN_TRANSACTION_TIMEOUT_SECONDS: Final = 10
# For commands. A server's connections wait by `app.async_wait`, whose limit holds for each step of connecting, too.
CONNECT_TIMEOUT_SECONDS: Final = 3
# Without it a cut network is noticed only when TCP gives up, after 20 seconds and more. Source: tcp(7), TCP_USER_TIMEOUT.
TCP_USER_TIMEOUT_MILLISECONDS: Final = 5000
POOL_TIMEOUT_SECONDS: Final = 3

# All that is prepared, here and in the ledger's functions, finds few rows by an index, which are in memory or on a disk without moving
# parts: to plan it anew for each value takes longer than to do it.
PLANNING_OPTIONS: Final = "-c plan_cache_mode=force_generic_plan -c random_page_cost=1.1"

# A deadlock's victim goes again at once: the other side has what it needs by then. Four tries outlast any pile-up seen in the tests.
CONFLICT_TRIES: Final = 4
DEADLOCK_DETECTED: Final = "40P01"
SERIALIZATION_FAILURE: Final = "40001"
LOCK_NOT_AVAILABLE: Final = "55P03"
QUERY_CANCELED: Final = "57014"

log = logging.getLogger(__name__)


def make_engine(url: str, *, pool_size: int, on_event_loop: bool = False) -> Engine:
    """An engine whose every wait has an end.

    Args:
        url: SQLAlchemy address of the database, as the app's role.
        on_event_loop: to be used by `app.async_wait.run_on_loop` alone. Each statement is its own transaction there, without BEGIN and
            COMMIT around it: for work that only reads, or is a single statement.
        pool_size: connections held at most; a further request waits POOL_TIMEOUT_SECONDS for one.
    """
    options = " ".join((
        "-c timezone=UTC",
        f"-c statement_timeout={STATEMENT_TIMEOUT_SECONDS}s",
        f"-c lock_timeout={LOCK_TIMEOUT_SECONDS}s",
        f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_TIMEOUT_SECONDS}s",
        PLANNING_OPTIONS,
    ))
    arguments: dict[str, Any] = {
        "application_name": "payment-system",
        "options": options,
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "tcp_user_timeout": TCP_USER_TIMEOUT_MILLISECONDS,
    }
    return create_engine(
        make_url(url).set(drivername=DRIVER_ON_LOOP) if on_event_loop else url,
        # A driver's error would repeat them, and they are password hashes and memos.
        hide_parameters=True,
        connect_args=arguments,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        isolation_level="AUTOCOMMIT" if on_event_loop else "READ COMMITTED",
        pool_use_lifo=True,
    )


def make_sessions(engine: Engine) -> Sessions:
    """Sessions over this engine. Objects stay readable after the commit: an answer is rendered when the locks are gone."""
    return sessionmaker(engine, expire_on_commit=False)


class LazySession:
    """A session that is made at its first use. What needs none, because batches do its work, does not pay for one.

    Args:
        make: makes the session.
    """

    def __init__(self, make: Sessions) -> None:
        self._make = make
        self._session: Session | None = None

    def __getattr__(self, name: str) -> object:
        """Of the session."""
        if self._session is None:
            self._session = self._make()
        return getattr(self._session, name)

    def __enter__(self) -> Session:
        return cast("Session", self)

    def __exit__(self, *_: object) -> None:
        if self._session is not None:
            self._session.close()

    def in_transaction(self) -> bool:
        """Whether it was used."""
        return self._session is not None and self._session.in_transaction()


class PreparedStatement:
    """A query that PostgreSQL parses and plans once a connection, and not at each use: for a short one, that is most of its time.

    Args:
        name: unique among them.
        query: with a parameter for each value.

    Source: PostgreSQL's manual, PREPARE. psycopg2 prepares nothing by itself.
    """

    def __init__(self, name: str, query: Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]] | TextClause) -> None:
        compiled = query.compile(dialect=postgresql.dialect(paramstyle="numeric_dollar"))  # type: ignore[no-untyped-call] # of SQLAlchemy's
        self.query = query
        self._name = name
        self._parameters: list[str] = list(compiled.positiontup or ())
        # A value that is missing at a use is a KeyError, and never NULL.
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}
        self._prepare = f"PREPARE {name} AS {compiled}"
        values = ", ".join(["%s"] * len(self._parameters))
        self._execute = f"EXECUTE {name} ({values})" if values else f"EXECUTE {name}"

    def rows(self, connection: Connection, **values: object) -> list[tuple[Any, ...]]:
        """What the query finds, as the driver reads it. Raises: DBAPIError, as whatever else is executed on the connection."""
        return self._rows(connection, values, cursor_factory=None)

    def named_rows(self, connection: Connection, **values: object) -> list[NamedRow]:
        """The same as named tuples, for rows that are read column by column."""
        return self._rows(connection, values, cursor_factory=NamedTupleCursor)

    def _rows(self, connection: Connection, values: dict[str, object], **options: Any) -> list[Any]:  # noqa: ANN401 - the driver's own
        """The driver's cursor is asked itself: SQLAlchemy's result, made anew for each, would cost as much as all the rest."""
        given, prepared = self._constants | values, connection.info.setdefault("prepared", set())
        driver: Any = connection.connection.driver_connection
        try:
            with driver.cursor(**options) as cursor:
                if self._name not in prepared:
                    cursor.execute(self._prepare)
                    prepared.add(self._name)
                cursor.execute(self._execute, tuple(given[name] for name in self._parameters))
                return list(cursor.fetchall())
        except DriverError as error:
            # As SQLAlchemy itself does: it tells a broken connection from a wrong statement, and has the pool made anew.
            connection._handle_dbapi_exception(error, self._execute, None, None, None)  # noqa: SLF001


def array_of_words(elements: Iterable[object]) -> str:
    """PostgreSQL's text of an array of numbers or UUIDs.

    A driver would send a list as an expression of as many parts, each to be parsed and planned; a text is taken apart at once.
    Source: PostgreSQL's manual, section 8.15.6, Array Input and Output Syntax.
    """
    return f"{{{','.join(map(str, elements))}}}"


def array_of_texts(elements: Iterable[str | None]) -> str:
    """The same of any texts and nulls."""
    return array_of_words("NULL" if each is None else '"' + each.replace("\\", r"\\").replace('"', r'\"') + '"' for each in elements)


def array_of_bytes(elements: Iterable[bytes | None]) -> str:
    """The same of any bytes and nulls. Source: PostgreSQL's manual, section 8.4.1, bytea Hex Format."""
    return array_of_texts(None if each is None else f"\\x{each.hex()}" for each in elements)


def run_as_written(connection: Connection, statements: str) -> None:
    """Run the text of a file of SQL. It has no parameters, so a colon or a percent sign in it is the SQL's."""
    connection.exec_driver_sql(statements, execution_options={"no_parameters": True})


def transact(begin: Callable[[], AbstractContextManager[Unit]], work: Callable[[Unit], Result]) -> Result:
    """Run one unit of work in one transaction, again from its start when it was a deadlock's or serialization failure's victim.

    It also runs again, once, when its connection breaks before the commit: nothing of the transaction was stored, and a connection
    that lay idle while the database restarted breaks at its first use. So no connection has to be tried out beforehand.

    Args:
        begin: where each statement is its own transaction, `work` has to be such that it may be done twice.
        work: gets what `begin` returns, commits nothing itself, and may run several times; all of it or nothing is stored.

    Raises:
        ConflictRetryError: still in conflict after CONFLICT_TRIES; nothing was stored.
        DatabaseUnavailableError: no connection, or it broke; if it broke at COMMIT, whether it was stored is unknown. Of whatever
            fails after a connection broke, too: the first try may have been stored where each statement is its own transaction.
    """
    broken_before = False
    for attempt in range(1, CONFLICT_TRIES + 1):
        is_committing = False
        try:
            with begin() as unit:
                result = work(unit)
                is_committing = True
                if unit.in_transaction():
                    unit.commit()
                return result
        except DBAPIError as error:
            broke_early = error.connection_invalidated and not is_committing
            if not is_conflict(error) and (broken_before or not broke_early):
                raise (DatabaseUnavailableError(str(error.orig)) if broken_before else expected_failure(error)) from error
            broken_before = broken_before or broke_early
            log.info("again", extra={"attempt": attempt, "sqlstate": sqlstate(error), "connection_broke": broke_early})
        except PoolTimeoutError as error:
            # Its text alone: SQLAlchemy puts a link to its own help behind it.
            raise DatabaseUnavailableError(str(error.args[0])) from error
    gave_up = DatabaseUnavailableError if broken_before else ConflictRetryError
    raise gave_up(f"in conflict {CONFLICT_TRIES} times")


def sqlstate(error: DBAPIError) -> str | None:
    """PostgreSQL's own five characters for what went wrong; None when no server said anything."""
    code: str | None = getattr(error.orig, "pgcode", None)
    return code


def is_conflict(error: DBAPIError) -> bool:
    """Whether the same work may succeed when it is simply done again: nothing of it was stored."""
    return sqlstate(error) in (DEADLOCK_DETECTED, SERIALIZATION_FAILURE)


def expected_failure(error: DBAPIError) -> Exception:
    """What the driver's error means to the program: an expected failure, or itself when it is a bug."""
    if sqlstate(error) in (LOCK_NOT_AVAILABLE, QUERY_CANCELED):
        return ConflictRetryError(str(error.orig))
    # An OperationalError is the server's or the network's state (starting, stopping, gone, full); all others are our bugs.
    if error.connection_invalidated or isinstance(error, (OperationalError, InterfaceError)):
        return DatabaseUnavailableError(str(error.orig))
    return error
