"""Payments that wait at the same time are posted by one call, and each has its own outcome, as if it had been alone."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app import identity, ledger, payments
from app.asgi.batching import impatience
from app.asgi.runtime import PAYMENTS_PER_BATCH
from app.async_wait import run_on_loop
from app.database import transact
from app.errors import (
    ConflictRetryError,
    DatabaseUnavailableError,
    ForbiddenError,
    IdempotencyKeyReusedError,
    InsufficientFundsError,
    NotFoundError,
    SelfPaymentError,
    UnauthenticatedError,
    WalletFrozenError,
)
from app.identity import Scope
from tests.asgi.counter import LIMIT_SECONDS, Counter, kinds
from tests.statements import statements_sent

if TYPE_CHECKING:

    from tests.conftest import Database



CAROLS_ACCOUNT = "SELECT FROM ledger.accounts WHERE id = (SELECT account_id FROM users WHERE username = 'carol') FOR UPDATE"


def test_a_group_is_one_statement_and_each_has_its_own_outcome(counter: Counter) -> None:
    alice, bob, reader = counter.join("alice"), counter.join("bob"), counter.join("reader", Scope.READ)
    used = uuid4()
    counter.together(counter.order(alice, bob, "1", used), counter.order(bob, alice, "1"), counter.order(reader, bob, "1"))
    with statements_sent(counter.engine) as statements:
        outcomes = counter.together(
            counter.order(alice, bob, "10", memo="lunch"), counter.order(alice, bob, "5000"), counter.order("unknown", bob, "1"),
            counter.order(reader, bob, "1"), counter.order(alice, alice, "1"), counter.order(alice, "nobody-here", "1"),
            counter.order(alice, bob, "2", used), counter.order(alice, bob, "1", used), counter.order(bob, alice, "3"),
        )
    assert len(statements) == 1
    assert kinds(outcomes) == [None, InsufficientFundsError, UnauthenticatedError, ForbiddenError, SelfPaymentError, NotFoundError,
                               IdempotencyKeyReusedError, None, None]
    first = outcomes[0].payment
    assert first is not None
    assert first.balance_after is not None
    assert (first.signed.formatted, first.counterparty_username, first.memo, first.balance_after.formatted) == (
        "-£10.00", "bob", "lunch", "£990.00")
    assert first == transact(counter.sessions, lambda session: payments.find_payment(
        session, counter.viewer("alice"), first.id, currency=counter.settings.currency))
    assert (outcomes[7].replayed, outcomes[7].payment, outcomes[7].payment_id) == (True, None, used)
    assert (counter.balance(alice), counter.balance(bob)) == ("99300", "100700")
    assert counter.books() == []


def test_two_payments_of_one_person_in_a_group_see_each_others_effect_on_the_balance(counter: Counter) -> None:
    alice, bob, carol = (counter.join(name) for name in ("alice", "bob", "carol"))
    outcomes = counter.together(
        counter.order(alice, bob, "1000"), counter.order(alice, carol, "0.01"), counter.order(bob, carol, "2000"),
        counter.order(carol, alice, "0.01"), counter.order(alice, carol, "0.01"),
    )
    assert kinds(outcomes) == [None, InsufficientFundsError, None, None, None]
    assert [counter.balance(each) for each in (alice, bob, carol)] == ["0", "0", "300000"]
    assert counter.books() == []


def test_an_id_twice_in_a_group_is_paid_once(counter: Counter) -> None:
    alice, bob, key = counter.join("alice"), counter.join("bob"), uuid4()
    outcomes = counter.together(
        counter.order(alice, bob, "5", key), counter.order(alice, bob, "5", key), counter.order(alice, bob, "6", key))
    assert kinds(outcomes) == [None, None, IdempotencyKeyReusedError]
    assert [each.replayed for each in outcomes[:2]] == [False, True]
    assert counter.balance(alice) == "99500"


def test_an_idle_poster_posts_at_once_and_what_waits_meanwhile_goes_together(counter: Counter) -> None:
    alice, bob = counter.join("alice"), counter.join("bob")
    futures = counter.hand_in(*[counter.order(alice, bob, "0.01") for _ in range(150)])
    counter.start()
    assert [each.result(LIMIT_SECONDS).failure for each in futures] == [None] * 150
    assert counter.groups == [PAYMENTS_PER_BATCH, PAYMENTS_PER_BATCH, 150 - 2 * PAYMENTS_PER_BATCH]
    [alone] = counter.hand_in(counter.order(alice, bob, "0.01"))
    assert alone.result(LIMIT_SECONDS).payment is not None
    assert counter.groups[-1] == 1
    late = counter.hand_in(counter.order(alice, bob, "0.01"), counter.order(alice, bob, "0.01"))
    counter.on_loop(counter.poster.stop())
    assert [each.result(0).failure for each in late] == [None, None]
    assert counter.balance(bob) == str(100_000 + 153)


def test_who_is_stuck_on_a_lock_holds_up_the_others_of_its_group_but_does_not_fail_them(
    counter: Counter, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.database.LOCK_TIMEOUT_SECONDS", 1)
    counter.open()
    alice, bob, carol = (counter.join(name) for name in ("alice", "bob", "carol"))
    with database.holding(CAROLS_ACCOUNT):
        futures = counter.hand_in(counter.order(alice, carol, "1"), counter.order(alice, bob, "1"), counter.order(bob, alice, "2"))
        counter.start()
        assert kinds([each.result(LIMIT_SECONDS) for each in futures]) == [ConflictRetryError, None, None]
    [again] = counter.hand_in(counter.order(alice, carol, "1"))
    assert again.result(LIMIT_SECONDS).failure is None
    counter.on_loop(counter.poster.stop())


@pytest.mark.parametrize("times", [1, 2])
def test_a_connection_lost_once_is_replaced_and_twice_is_told_and_the_same_ids_settle_it(
    counter: Counter, database: Database, times: int
) -> None:
    alice, bob = counter.join("alice"), counter.join("bob")
    orders = [counter.order(alice, bob, "1") for _ in range(10)]
    counter.start()
    with database.holding("SELECT FROM ledger.accounts FOR UPDATE"):
        futures = counter.hand_in(*orders)
        ended: set[int] = set()
        while len(ended) < times:
            ended |= {process_id for process_id, _ in database.execute(
                "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'")}
    first, *_ = kinds([future.result(LIMIT_SECONDS) for future in futures])
    assert first is (None if times == 1 else DatabaseUnavailableError)
    settled = [each.result(LIMIT_SECONDS) for each in counter.hand_in(*orders)]
    assert kinds(settled) == [None] * 10
    assert counter.balance(alice) == "99000"
    assert counter.books() == []
    counter.on_loop(counter.poster.stop())


def test_a_bug_that_one_payment_meets_stays_its_own(counter: Counter) -> None:
    alice, bob = counter.join("alice"), counter.join("bob")
    broken = counter.order(alice, bob, "1", memo="\x00")  # what no entry lets through, PostgreSQL cannot store
    futures = counter.hand_in(counter.order(alice, bob, "1"), broken, counter.order(bob, alice, "1"))
    counter.start()
    outcomes = [each.result(LIMIT_SECONDS) for each in futures]
    assert [each.failure is None for each in outcomes] == [True, False, True]
    counter.on_loop(counter.poster.stop())


def test_a_frozen_wallet_is_refused_in_a_group_too(counter: Counter) -> None:
    alice, bob, carol = (counter.join(name) for name in ("alice", "bob", "carol"))
    account = transact(counter.sessions, lambda session: identity.find_person(session, bob)).account_id
    transact(counter.sessions, lambda session: ledger.set_status(session, account, "frozen"))
    assert kinds(counter.together(counter.order(alice, bob, "1"), counter.order(alice, carol, "1"), counter.order(bob, carol, "1"))) == [
        WalletFrozenError, None, WalletFrozenError]


def test_a_connection_that_broke_while_idle_costs_nobody_a_payment(counter: Counter, database: Database) -> None:
    alice, bob = counter.join("alice"), counter.join("bob")
    counter.start()
    [first] = counter.hand_in(counter.order(alice, bob, "1"))
    assert first.result(LIMIT_SECONDS).failure is None
    database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                     "AND pid <> pg_backend_pid()")
    [second] = counter.hand_in(counter.order(alice, bob, "1"))
    assert second.result(LIMIT_SECONDS).failure is None
    assert counter.balance(alice) == "99800"
    counter.on_loop(counter.poster.stop())


def test_whether_the_use_of_a_token_can_be_noted_decides_nothing(counter: Counter, database: Database) -> None:
    alice, bob = counter.join("alice"), counter.join("bob")
    with database.holding("UPDATE api_tokens SET name = 'busy'"):
        assert kinds(counter.together(counter.order(alice, bob, "1"))) == [None]
        [paid] = counter.hand_in(counter.order(alice, bob, "1"))
        assert paid.result(LIMIT_SECONDS).failure is None
        counter.on_loop(counter.used.stop())
    assert database.execute("SELECT count(last_used_at) FROM api_tokens") == [(0,)]
    [paid] = counter.hand_in(counter.order(alice, bob, "1"))
    assert paid.result(LIMIT_SECONDS).failure is None
    counter.on_loop(counter.used.stop())
    assert database.execute("SELECT count(last_used_at) FROM api_tokens") == [(1,)]
    database.execute("UPDATE api_tokens SET last_used_at = NULL; REVOKE UPDATE ON api_tokens FROM payment_system")
    [paid] = counter.hand_in(counter.order(alice, bob, "1"))
    assert paid.result(LIMIT_SECONDS).failure is None
    counter.on_loop(counter.used.stop())
    assert counter.balance(alice) == "99600"


def test_a_connection_that_breaks_while_impatient_is_told_as_broken(counter: Counter, database: Database) -> None:
    def work() -> None:
        with counter.engine.connect() as connection, impatience(connection):
            database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'payment_system' "
                             "AND datname = current_database()")
            connection.execute(text("SELECT 1"))

    counter.start()
    with pytest.raises(DBAPIError) as broken:
        counter.on_loop(run_on_loop(work))
    assert broken.value.connection_invalidated


def test_a_payee_who_is_stuck_costs_the_next_group_little(counter: Counter, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.database.LOCK_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr("app.asgi.batching.ALONE_SECONDS", 0.15)
    counter.open()
    alice, bob, carol = (counter.join(name) for name in ("alice", "bob", "carol"))
    with database.holding(CAROLS_ACCOUNT):
        futures = counter.hand_in(*[counter.order(alice, carol, "1") for _ in range(20)], counter.order(alice, bob, "1"))
        counter.start()
        assert kinds([each.result(LIMIT_SECONDS) for each in futures]) == [ConflictRetryError] * 21
    [again] = counter.hand_in(counter.order(alice, bob, "1"))
    assert again.result(LIMIT_SECONDS).failure is None


def test_a_bug_on_the_way_to_the_database_is_told_to_those_who_wait(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RecursionError("a bug")

    alice, bob = counter.join("alice"), counter.join("bob")
    with monkeypatch.context() as patch:
        patch.setattr("app.asgi.batching.run_on_loop", fail)
        counter.start()
        (refused,) = counter.hand_in(counter.order(alice, bob, "1"))
        assert kinds([refused.result(LIMIT_SECONDS)]) == [RecursionError]
    (paid,) = counter.hand_in(counter.order(alice, bob, "1"))
    assert kinds([paid.result(LIMIT_SECONDS)]) == [None]
