"""A wallet's history: each payment as its owner sees it, filtered, page by page, and never anybody else's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from app import payments
from app.database import transact
from app.errors import ForbiddenError, InvalidInputError, NotFoundError
from app.identity import Scope
from app.money import Money
from app.payments import Direction, HistoryFilter, PaymentKind
from tests.statements import statements_sent

if TYPE_CHECKING:
    from app.identity import Viewer
    from app.settings import Settings
    from tests.conftest import Database
    from tests.payments.conftest import Till


@pytest.fixture
def alice(till: Till, viewer: Any) -> Viewer:
    """Alice after a day in town."""
    alice, bob = viewer("alice"), viewer("bob")
    viewer("shop")
    till.pay(alice, "shop", "3.20", "coffee")
    till.pay(alice, "bob", "50.00", "100% rent")
    till.pay(bob, "alice", "20.00", "taxi")
    lamp = till.pay(bob, "alice", "30.00", "lamp").payment_id
    till.refund(alice, lamp, "10.00", "scratched")
    return alice  # type: ignore[no-any-return] # the fixture makes viewers


def test_sent_and_received_are_together_newest_first_each_with_the_balance_after(till: Till, alice: Viewer) -> None:
    rows = [(each.memo, each.signed.formatted, each.balance_after and each.balance_after.formatted, each.counterparty_username, each.number)
            for each in till.history(alice).payments]
    assert rows == [
        ("scratched", "-£10.00", "£986.80", "bob", 6), ("lamp", "£30.00", "£996.80", "bob", 5), ("taxi", "£20.00", "£966.80", "bob", 4),
        ("100% rent", "-£50.00", "£946.80", "bob", 3), ("coffee", "-£3.20", "£996.80", "shop", 2),
        ("Opening balance", "£1,000.00", "£1,000.00", None, 1),
    ]


@pytest.mark.parametrize(("wanted", "memos"), [
    (HistoryFilter(direction=Direction.SENT), ["scratched", "100% rent", "coffee"]),
    (HistoryFilter(direction=Direction.RECEIVED), ["lamp", "taxi", "Opening balance"]),
    (HistoryFilter(counterparty="shop"), ["coffee"]),
    (HistoryFilter(kind=PaymentKind.REFUND), ["scratched"]),
    (HistoryFilter(kind=PaymentKind.ISSUE), ["Opening balance"]),
    (HistoryFilter(kind=PaymentKind.REDEEM), []),
    (HistoryFilter(text="A"), ["scratched", "lamp", "taxi", "Opening balance"]),
    (HistoryFilter(text="%"), ["100% rent"]),
    (HistoryFilter(text="BOB"), ["scratched", "lamp", "taxi", "100% rent"]),
    (HistoryFilter(direction=Direction.RECEIVED, counterparty="bob", kind=PaymentKind.PAYMENT), ["lamp", "taxi"]),
])
def test_a_filter_shows_what_it_names(till: Till, alice: Viewer, wanted: HistoryFilter, memos: list[str]) -> None:
    assert till.memos(alice, wanted) == memos


@pytest.mark.parametrize(("minimum", "maximum", "memos"), [
    (2000, 3000, ["lamp", "taxi"]), (2001, None, ["lamp", "100% rent", "Opening balance"]), (None, 319, []), (None, 320, ["coffee"]),
])
def test_amounts_are_filtered_with_their_limits(
    till: Till, alice: Viewer, minimum: int | None, maximum: int | None, memos: list[str]
) -> None:
    def money(minor_units: int | None) -> Money | None:
        return Money(minor_units, till.currency) if minor_units else None

    assert till.memos(alice, HistoryFilter(minimum=money(minimum), maximum=money(maximum))) == memos


def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(till: Till, alice: Viewer) -> None:
    at = {each.memo: each.created_at for each in till.history(alice).payments}
    assert till.memos(alice, HistoryFilter(since=at["taxi"], before=at["scratched"])) == ["lamp", "taxi"]
    assert till.memos(alice, HistoryFilter(since=at["scratched"] + timedelta(microseconds=1))) == []
    assert till.memos(alice, HistoryFilter(before=at["Opening balance"])) == []
    assert till.memos(alice, HistoryFilter(since=at["scratched"], before=at["taxi"])) == []
    assert till.memos(alice, HistoryFilter(since=at["taxi"], direction=Direction.SENT)) == ["scratched"]


def test_pages_follow_each_other_without_a_gap(till: Till, alice: Viewer) -> None:
    numbers, before, more = [], None, True
    while more:
        page = till.history(alice, first=2, before_number=before)
        numbers += [each.number for each in page.payments]
        before, more = numbers[-1], page.more_follow
    assert numbers == [6, 5, 4, 3, 2, 1]
    assert till.history(alice, before_number=1).payments == []
    assert till.history(alice, before_number=0).payments == []


@pytest.mark.parametrize("first", [0, -5, 101])
def test_a_page_has_a_limit(till: Till, alice: Viewer, first: int) -> None:
    with pytest.raises(InvalidInputError):
        till.history(alice, first=first)
    assert len(till.history(alice, first=100).payments) == 6


def test_a_payment_between_others_reads_as_one_that_does_not_exist(till: Till, alice: Viewer, viewer: Any) -> None:
    bob, mallory = viewer("bob"), viewer("mallory")
    paid = till.pay(bob, "shop", "1").payment_id
    messages = []
    for stranger, payment in ((alice, paid), (mallory, paid), (alice, uuid4())):
        with pytest.raises(NotFoundError) as refused:
            till.find(stranger, payment)
        messages.append(refused.value.user_message)
    assert set(messages) == {"There is no such payment of yours."}
    assert transact(till.sessions, lambda session: payments.list_refunds(session, mallory, [paid], currency=till.currency)) == []


def test_a_page_of_history_costs_the_same_few_statements_however_long_it_is(till: Till, alice: Viewer) -> None:
    till.history(alice, first=1)
    with statements_sent() as one:
        till.history(alice, first=1)
    with statements_sent() as hundred:
        till.history(alice, first=100)
    assert len(one) == len(hundred) == 1


def test_a_statement_has_everything_oldest_first(till: Till, alice: Viewer) -> None:
    def read(session: Any) -> list[str | None]:
        return [each.memo for each in payments.statement(session, alice, HistoryFilter(), currency=till.currency)]

    assert transact(till.sessions, read) == ["Opening balance", "coffee", "100% rent", "taxi", "lamp", "scratched"]


def test_a_token_without_the_scope_read_sees_nothing(till: Till, alice: Viewer, settings: Settings) -> None:
    payer = replace(alice, scopes=frozenset({Scope.PAY}))
    wanted, currency = HistoryFilter(), settings.currency
    for attempt in (
        lambda session: payments.history(session, payer, wanted, currency=currency),
        lambda session: payments.count_history(session, payer, wanted),
        lambda session: list(payments.statement(session, payer, wanted, currency=currency)),
        lambda session: payments.find_payment(session, payer, uuid4(), currency=currency),
        lambda session: payments.wallet(session, payer, currency=currency),
        lambda session: payments.balance_history(session, payer, days=1, currency=currency),
    ):
        with pytest.raises(ForbiddenError, match="scope READ"):
            transact(till.sessions, attempt)


def test_the_chart_has_the_balance_at_the_end_of_each_day(till: Till, alice: Viewer, database: Database) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    # Two entries two days ago, one yesterday at its last moment, the rest today.
    database.execute(f"""SET session_replication_role = replica;
        UPDATE ledger.entries SET created_at = '{today}'::timestamptz - CASE WHEN number <= 2 THEN interval '40 hours'
            ELSE interval '1 microsecond' END WHERE account_id = {alice.account_id} AND number <= 3""")
    points = transact(till.sessions, lambda session: payments.balance_history(session, alice, days=4, currency=till.currency))
    assert [(each.date, each.balance.amount) for each in points] == [
        (today - timedelta(days=3), "0.00"), (today - timedelta(days=2), "996.80"),
        (today - timedelta(days=1), "946.80"), (today, "986.80"),
    ]


@pytest.mark.parametrize("days", [0, -1, 367])
def test_the_chart_has_a_limit(till: Till, alice: Viewer, days: int) -> None:
    with pytest.raises(InvalidInputError):
        transact(till.sessions, lambda session: payments.balance_history(session, alice, days=days, currency=till.currency))


def test_a_wallet_is_its_balance_and_status(till: Till, alice: Viewer, database: Database) -> None:
    def read() -> tuple[str, str]:
        found = transact(till.sessions, lambda session: payments.wallet(session, alice, currency=till.currency))
        return found.balance.formatted, found.status

    assert read() == ("£986.80", "OPEN")
    database.execute(f"SELECT ledger.set_status({alice.account_id}, 'frozen')")
    assert read() == ("£986.80", "FROZEN")
