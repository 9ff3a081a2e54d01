"""Wallets that are asked for at the same time: one statement for all, each its owner's own, and nobody kept from it by another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app import ledger, payments
from app.database import transact
from app.errors import ConflictRetryError, DatabaseUnavailableError
from app.identity import Scope
from app.payments import HistoryFilter
from tests.asgi.counter import LIMIT_SECONDS, Counter
from tests.statements import statements_sent

if TYPE_CHECKING:
    from app.payments import PaymentPage, WalletRequest, WalletSnapshot
    from tests.conftest import Database


def page(counter: Counter, owner: str, **options: Any) -> PaymentPage:
    """What the ordinary way shows."""
    return transact(counter.sessions, lambda session: payments.history(
        session, counter.viewer(owner), HistoryFilter(), currency=counter.settings.currency, **options))


def answers(counter: Counter, *questions: WalletRequest) -> list[WalletSnapshot | None]:
    return [each.result(LIMIT_SECONDS) for each in counter.ask(*questions)]


def test_wallets_asked_for_together_are_each_what_their_owner_sees_alone(counter: Counter) -> None:
    alice, bob, new = counter.join("alice"), counter.join("bob"), counter.join("carol")
    outcomes = counter.together(*(counter.order(alice, bob, f"{amount}.00", memo="lunch") for amount in range(1, 31)))
    assert all(each.failure is None for each in outcomes)
    questions = [counter.question(alice), counter.question(bob), counter.question(new), counter.question(alice, 12),
                 counter.question(bob, 1), counter.question("nobody's token"), counter.question(alice)]
    with statements_sent(counter.engine) as statements:
        seen = counter.seen_together(*questions)
    assert len(statements) == 1
    owners = [each.viewer.username if each and each.viewer else None for each in seen]
    assert owners == ["alice", "bob", "carol", "alice", "bob", None, "alice"]
    expected = [page(counter, alice), page(counter, bob), page(counter, new), page(counter, alice, before_number=12),
                page(counter, bob, before_number=1), None, page(counter, alice)]
    assert [each.page if each else None for each in seen] == expected
    assert (len(expected[0].payments), expected[0].more_follow) == (20, True)  # type: ignore[union-attr] # it is hers


def test_a_page_of_fewer_is_the_beginning_of_it(counter: Counter) -> None:
    alice, bob = counter.join("alice"), counter.join("bob")
    counter.together(*(counter.order(alice, bob, "1.00") for _ in range(20)))
    (seen,) = answers(counter, counter.question(alice))
    assert seen
    for count in (1, 19, 20):
        (fewer,) = answers(counter, counter.question(alice, first=count))
        assert fewer
        assert fewer.page == page(counter, alice, first=count)
        assert fewer.page.payments == seen.page.payments[:count]


def test_a_token_that_may_not_read_shows_nothing_and_a_frozen_wallet_is_seen(counter: Counter) -> None:
    payer, frozen = counter.join("alice", Scope.PAY), counter.join("bob", Scope.READ)
    account = counter.viewer(frozen).account_id
    transact(counter.sessions, lambda session: ledger.set_status(session, account, "frozen"))
    counter.start()
    hidden, seen = answers(counter, counter.question(payer), counter.question(frozen))
    assert hidden is None
    assert seen
    assert seen.page.wallet
    assert seen.page.wallet.status == "FROZEN"


@pytest.mark.parametrize("times", [1, 2])
def test_a_connection_lost_once_is_replaced_and_twice_is_told(counter: Counter, database: Database, times: int) -> None:
    alice = counter.join("alice")
    counter.start()
    with database.holding("LOCK TABLE api_tokens"):
        futures = counter.ask(counter.question(alice), counter.question(alice))
        ended: set[int] = set()
        while len(ended) < times:
            ended |= {process_id for process_id, _ in database.execute(
                "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'")}
    if times == 1:
        assert all(each.result(LIMIT_SECONDS) for each in futures)
    else:
        with pytest.raises(DatabaseUnavailableError):
            futures[0].result(LIMIT_SECONDS)
    assert answers(counter, counter.question(alice)) != [None]


def test_what_breaks_a_call_is_left_to_each_alone(counter: Counter, database: Database) -> None:
    alice = counter.join("alice")
    counter.start()
    with database.holding("LOCK TABLE api_tokens"):
        for each in counter.ask(counter.question(alice), counter.question(alice)):
            with pytest.raises(ConflictRetryError):
                each.result(LIMIT_SECONDS)
    assert answers(counter, counter.question(alice)) != [None]


def test_that_a_token_is_in_use_is_noted_once_a_minute(counter: Counter, database: Database) -> None:
    alice = counter.join("alice")
    counter.start()
    noted = "SELECT last_used_at FROM api_tokens"
    assert database.execute(noted) == [(None,)]
    times = []
    for _ in range(2):
        assert answers(counter, counter.question(alice)) != [None]
        counter.on_loop(counter.used.stop())
        times += database.execute(noted)
    assert times[0] == times[1] != (None,)
