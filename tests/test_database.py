"""Every wait on PostgreSQL has an end, a conflict is tried again, and what cannot be served is said plainly."""

from __future__ import annotations

from threading import Barrier, Event, Thread
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.database import CONFLICT_TRIES, PreparedStatement, make_engine, make_sessions, transact
from app.errors import ConflictRetryError, DatabaseUnavailableError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.database import Sessions
    from app.settings import Settings
    from tests.conftest import Database


def test_a_session_has_its_time_outs_and_its_time_in_utc(sessions: Sessions) -> None:
    with sessions() as session:
        found = {name: session.scalar(text(f"SHOW {name}")) for name in (
            "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "timezone", "application_name")}
    assert found == {"statement_timeout": "5s", "lock_timeout": "3s", "idle_in_transaction_session_timeout": "10s",
                     "timezone": "UTC", "application_name": "payment-system"}


def test_a_deadlocks_victim_is_tried_again_and_both_succeed(sessions: Sessions, database: Database) -> None:
    database.execute("CREATE TABLE pair (id int PRIMARY KEY, n int); INSERT INTO pair VALUES (1, 0), (2, 0); "
                     "GRANT ALL ON pair TO payment_system")
    gate, one_is_done, tries = Barrier(2), Event(), []

    def both(first: int, second: int) -> None:
        def work(session: Session) -> None:
            tries.append(first)
            if len(tries) > 2:
                one_is_done.wait()  # at once it could take its row again before the other does, and both would be victims in turn
            session.execute(text(f"UPDATE pair SET n = n + 1 WHERE id = {first}"))
            if len(tries) <= 2:
                gate.wait()  # each holds its first row before it wants the other's
            session.execute(text(f"UPDATE pair SET n = n + 1 WHERE id = {second}"))

        transact(sessions, work)
        one_is_done.set()

    threads = [Thread(target=both, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.execute("SELECT n FROM pair ORDER BY id") == [(2,), (2,)]
    assert len(tries) == 3


def test_what_stays_in_conflict_is_said_to_be_a_conflict(sessions: Sessions) -> None:
    tries: list[int] = []

    def work(session: Session) -> None:
        tries.append(1)
        session.execute(text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'serialization_failure'; END $$"))

    with pytest.raises(ConflictRetryError):
        transact(sessions, work)
    assert len(tries) == CONFLICT_TRIES


@pytest.mark.parametrize("state", ["lock_not_available", "query_canceled"])
def test_a_time_out_is_a_conflict_that_changed_nothing(sessions: Sessions, state: str) -> None:
    with pytest.raises(ConflictRetryError):
        transact(sessions, lambda session: session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$")))


def test_a_bug_in_sql_stays_a_bug(sessions: Sessions) -> None:
    with pytest.raises(ProgrammingError):
        transact(sessions, lambda session: session.execute(text("SELEKT 1")))


def test_what_was_sent_is_not_in_an_errors_text(sessions: Sessions) -> None:
    with pytest.raises(ProgrammingError) as bug:
        transact(sessions, lambda session: session.execute(text("SELEKT :secret"), {"secret": "$argon2id$hash"}))
    assert "$argon2id$hash" not in str(bug.value).partition("[SQL")[2]


def test_a_database_that_is_not_there_is_said_to_be_unavailable() -> None:
    engine = make_engine("postgresql+psycopg2://payment_system@/payment_system?host=/nowhere", pool_size=1)
    with pytest.raises(DatabaseUnavailableError):
        transact(make_sessions(engine), lambda session: session.execute(text("SELECT 1")))


def test_a_pool_without_a_free_connection_is_said_to_be_unavailable(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.database.POOL_TIMEOUT_SECONDS", 0.05)
    engine = make_engine(settings.database_url, pool_size=1)
    with engine.connect(), pytest.raises(DatabaseUnavailableError):
        transact(make_sessions(engine), lambda session: session.execute(text("SELECT 1")))
    engine.dispose()


def test_a_connection_that_breaks_is_replaced_by_the_next_call(sessions: Sessions, database: Database) -> None:
    def cut(session: Session) -> None:
        process = session.scalar(text("SELECT pg_backend_pid()"))
        database.execute(f"SELECT pg_terminate_backend({process})")
        session.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailableError):
        transact(sessions, cut)
    assert transact(sessions, lambda session: session.scalar(text("SELECT 1"))) == 1


def test_what_fails_leaves_nothing_behind(sessions: Sessions, database: Database) -> None:
    database.execute("CREATE TABLE kept (n int); GRANT ALL ON kept TO payment_system")

    def work(session: Session) -> None:
        session.execute(text("INSERT INTO kept VALUES (1)"))
        raise ConflictRetryError

    with pytest.raises(ConflictRetryError):
        transact(sessions, work)
    assert database.execute("SELECT count(*) FROM kept") == [(0,)]


def test_a_connection_that_broke_is_replaced_and_nothing_is_done_twice(sessions: Sessions, database: Database) -> None:
    database.execute("CREATE TABLE tally (n int); INSERT INTO tally VALUES (0); GRANT ALL ON tally TO payment_system")
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'payment_system' AND datname = current_database()"
    transact(sessions, lambda session: session.execute(text("SELECT 1")))
    database.execute(ends)
    tries: list[int] = []

    def work(session: Session) -> None:
        session.execute(text("UPDATE tally SET n = n + 1"))
        tries.append(1)
        if len(tries) == 1:
            database.execute(ends)
            session.execute(text("SELECT 1"))

    # The first try's connection was broken from the start: that was the one other try. So its second break is told.
    with pytest.raises(DatabaseUnavailableError):
        transact(sessions, work)
    tries.clear()
    transact(sessions, work)
    assert (len(tries), database.execute("SELECT n FROM tally")) == (2, [(1,)])


def test_whether_a_commit_that_broke_was_stored_is_not_guessed(sessions: Sessions, database: Database) -> None:
    tries: list[int] = []

    def work(session: Session) -> None:
        tries.append(1)
        session.execute(text("SELECT 1"))
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'payment_system' "
                         "AND datname = current_database()")

    with pytest.raises(DatabaseUnavailableError):
        transact(sessions, work)
    assert len(tries) == 1


def test_a_prepared_statement_refuses_to_run_without_a_value(sessions: Sessions) -> None:
    statement = PreparedStatement("sum_of_both", text("SELECT CAST(:one AS int) + CAST(:other AS int)"))
    with sessions() as session:
        assert statement.rows(session.connection(), one=1, other=2) == [(3,)]
        assert statement.rows(session.connection(), one=1, other=None) == [(None,)]
        with pytest.raises(KeyError, match="other"):
            statement.rows(session.connection(), one=1, another=2)
