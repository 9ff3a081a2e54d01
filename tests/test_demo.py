"""The demo people: a year of entries as the ledger writes them, and only in an empty database."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from app import identity, ledger, payments
from app.database import transact
from app.demo import DemoLogin, people, seed
from app.demo.books import ISSUANCE, Books
from app.demo.year import DAYS, Payment, PayOut, Refund, TopUp, actions
from app.money import Currency, Money

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.database import Sessions
    from app.settings import Settings
    from tests.conftest import Database

LOGIN = DemoLogin("amara", people.PASSWORD)
GBP = Currency("GBP", 2)
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


def _random() -> Random:
    return Random(7)  # noqa: S311 - invented shopping, no secret


def _one(database: Database, query: str) -> Any:
    return database.execute(query)[0][0]


def test_an_empty_database_gets_people_and_a_year_of_payments_in_seconds(database: Database, sessions: Sessions) -> None:
    started = time.monotonic()
    assert seed(database.owner_url) == LOGIN
    assert time.monotonic() - started < 3
    assert transact(sessions, ledger.verify) == []
    totals = transact(sessions, lambda session: ledger.trial_balance(session, GBP))
    assert totals.balanced
    assert totals.wallets == 18
    assert 3000 < totals.transfers < 5000


def test_everyone_began_a_year_ago_with_1000_issued(database: Database) -> None:
    seed(database.owner_url)
    firsts = database.execute("""
        SELECT e.amount, e.balance_after, t.kind, t.memo, e.created_at = u.joined_at, now() - e.created_at
        FROM users u JOIN ledger.entries e ON e.account_id = u.account_id AND e.number = 1 JOIN ledger.transfers t ON t.id = e.transfer_id
    """)
    assert len(firsts) == 18
    assert {row[:5] for row in firsts} == {(100_000, 100_000, "issue", "Opening balance", True)}
    assert all(timedelta(days=364) <= row[5] <= timedelta(days=365, minutes=1) for row in firsts)


def test_time_only_goes_forward_in_every_account_and_ends_now(database: Database) -> None:
    seed(database.owner_url)
    assert _one(database, """
        SELECT count(*) FROM ledger.entries a JOIN ledger.entries b ON b.account_id = a.account_id AND b.number = a.number + 1
        WHERE b.created_at <= a.created_at""") == 0
    newest = _one(database, "SELECT now() - max(created_at) FROM ledger.transfers")
    assert timedelta() < newest < timedelta(minutes=15)
    quiet = _one(database, """
        SELECT max(gap) FROM (SELECT created_at - lag(created_at) OVER (ORDER BY created_at) AS gap FROM ledger.transfers) AS gaps""")
    assert quiet < timedelta(hours=60)


def test_the_year_has_every_kind_of_payment_and_a_busy_shop(database: Database) -> None:
    seed(database.owner_url)
    kinds = dict(database.execute("SELECT kind, count(*) FROM ledger.transfers GROUP BY kind"))
    assert set(kinds) == {"payment", "refund", "issue", "redeem"}
    assert kinds["refund"] >= 5
    assert _one(database, "SELECT entry_count FROM ledger.accounts a JOIN users ON account_id = a.id WHERE username = 'corner-shop'") > 1000
    memos = {row[0] for row in database.execute("SELECT DISTINCT memo FROM ledger.transfers")}
    assert {"Salary", "Rent", "Electricity", "Flat white", "Guitar lesson", "Broadband", "Cinema and popcorn"} <= {
        memo.split(",")[0] for memo in memos
    }
    assert not [memo for memo in memos if "{" in memo]


def test_demo_people_log_in_and_pay_like_everyone_else(database: Database, sessions: Sessions, settings: Settings) -> None:
    seed(database.owner_url)

    def log_in_and_pay(session: Session) -> payments.Receipt:
        identity.check_credentials(session, username=LOGIN.username, password=LOGIN.password)
        token = identity.start_login(session, LOGIN.username, user_agent=None, settings=settings)
        viewer = identity.viewer_of_login(session, token, settings)
        assert viewer is not None
        return payments.pay(session, viewer, idempotency_key=uuid4(), to="bilal", amount=Money(100, GBP), memo="Thanks")

    before = _one(database, "SELECT balance FROM ledger.accounts a JOIN users ON account_id = a.id WHERE username = 'amara'")
    assert transact(sessions, log_in_and_pay).balance_after == Money(before - 100, GBP)
    assert transact(sessions, ledger.verify) == []


def test_the_password_of_the_demo_passes_the_rules_and_so_do_the_names(settings: Settings) -> None:
    for username, display_name in people.DISPLAY_NAMES.items():
        identity.check_new_password(people.PASSWORD, names=(username, display_name), settings=settings)
        assert identity.parse_username(username) == username
        assert identity.parse_display_name(display_name) == display_name
    assert len(people.NEIGHBOURS) >= 12


def test_a_second_time_nothing_is_made_and_the_login_is_returned_again(database: Database) -> None:
    seed(database.owner_url)
    transfers = _one(database, "SELECT count(*) FROM ledger.transfers")
    assert seed(database.owner_url) == LOGIN
    assert _one(database, "SELECT count(*) FROM ledger.transfers") == transfers
    assert _one(database, "SELECT count(*) FROM users") == 18


def test_a_database_with_other_people_is_not_changed(database: Database, viewer: Any) -> None:
    viewer("zoe")
    assert seed(database.owner_url) is None
    assert database.execute("SELECT username FROM users") == [("zoe",)]


def test_a_real_person_with_the_demo_username_is_not_returned_as_login(database: Database, viewer: Any) -> None:
    viewer("amara")
    assert seed(database.owner_url) is None


def test_two_starts_at_once_make_the_demo_once(database: Database) -> None:
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(seed, [database.owner_url] * 2)) == [LOGIN, LOGIN]
    assert _one(database, "SELECT count(*) FROM users") == 18


@pytest.mark.parametrize(("code", "opening"), [("JPY", 1_000), ("KWD", 1_000_000)])
def test_the_demo_uses_the_wallets_currency(database: Database, sessions: Sessions, code: str, opening: int) -> None:
    seed(database.owner_url, currency_code=code)
    assert transact(sessions, ledger.verify) == []
    assert database.execute("SELECT DISTINCT currency FROM ledger.accounts") == [(code,)]
    assert _one(database, "SELECT max(amount) FROM ledger.transfers WHERE memo = 'Opening balance'") == opening


def test_the_same_start_time_gives_the_same_year_and_any_time_a_complete_one() -> None:
    assert actions(_random(), NOON) == actions(_random(), NOON)
    for now in (NOON, datetime(2028, 2, 29, 0, 0, 1, tzinfo=UTC), datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)):
        found = actions(_random(), now)
        assert [action.at for action in found] == sorted(action.at for action in found)
        assert found[0].at == now - timedelta(days=DAYS)
        assert now - timedelta(minutes=15) < found[-1].at <= now


def test_a_payment_without_enough_money_is_skipped() -> None:
    books = Books(GBP, _random())
    payment = Payment(NOON, "ann", "ben", 301, "Too much", UUID(int=1))
    refund = Refund(NOON, payment, 301, "Nothing to give back")
    for action in (TopUp(NOON, "ann", 300, "In"), payment, refund, PayOut(NOON, "ann", 300, "Out")):
        books.apply(action)
    assert dict(books.balances) == {ISSUANCE: -300, "ann": 300}
    assert [transfer.memo for transfer in books.transfers] == ["In"]


def test_actions_of_the_same_time_are_stored_one_after_the_other() -> None:
    books = Books(GBP, _random())
    payment = Payment(NOON, "ann", "ben", 300, "All of it", UUID(int=1))
    for action in (TopUp(NOON, "ann", 300, "In"), payment, Refund(NOON, payment, 100, "Some"), PayOut(NOON, "ben", 50, "Out")):
        books.apply(action)
    assert dict(books.balances) == {ISSUANCE: -150, "ann": 100, "ben": 50}
    assert [entry.created_at.microsecond for entry in books.entries] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert [(entry.owner, entry.number, entry.amount, entry.balance_after) for entry in books.entries[2:6]] == [
        ("ann", 2, -300, 0), ("ben", 1, 300, 300), ("ben", 2, -100, 200), ("ann", 3, 100, 100),
    ]
    assert books.transfers[2].refund_of == UUID(int=1)
