"""A closed account: names, logins and tokens are deleted, the entries stay, and nobody else gets the username."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from app import identity, ledger, payments
from app.amounts import parse_amount
from app.database import transact
from app.errors import (
    ForbiddenError,
    InvalidUsernameError,
    NotFoundError,
    UsernameTakenError,
    WalletClosedError,
    WalletFrozenError,
    WalletNotEmptyError,
    WrongCredentialsError,
)
from app.identity import Scope

if TYPE_CHECKING:
    from app.database import Sessions
    from app.settings import Settings
    from tests.conftest import Database

PASSWORD = "a long test phrase"


class Bench:
    """Two people, and actions on them, each in its own transaction."""

    def __init__(self, sessions: Sessions, settings: Settings, viewer: Any) -> None:
        self.sessions, self.settings = sessions, settings
        self.alice, self.bob = viewer("alice"), viewer("bob")

    def pay(self, payer: Any, to: str, amount: str) -> payments.Receipt:
        money = parse_amount(amount, self.settings.currency)
        return transact(self.sessions, lambda session: payments.pay(
            session, payer, idempotency_key=uuid4(), to=to, amount=money, memo="rent"))

    def close(self, password: str = PASSWORD) -> str:
        return transact(self.sessions, lambda session: identity.close_own_account(
            session, self.alice, password=password, currency=self.settings.currency))

    def leave(self) -> str:
        self.pay(self.alice, "bob", "1000.00")
        return self.close()


@pytest.fixture
def bench(sessions: Sessions, settings: Settings, viewer: Any) -> Bench:
    return Bench(sessions, settings, viewer)


def test_a_closed_account_keeps_its_entries_under_a_neutral_name(bench: Bench, database: Database) -> None:
    before = database.execute("SELECT * FROM ledger.entries ORDER BY account_id, number")
    bench.pay(bench.alice, "bob", "1000.00")
    paid = database.execute("SELECT * FROM ledger.entries ORDER BY account_id, number")
    neutral = bench.close()
    assert len(paid) == len(before) + 2
    assert database.execute("SELECT * FROM ledger.entries ORDER BY account_id, number") == paid
    page = transact(bench.sessions, lambda session: payments.history(
        session, bench.bob, payments.HistoryFilter(), currency=bench.settings.currency))
    assert (page.payments[0].counterparty_username, page.payments[0].counterparty_display_name) == (neutral, "Closed account")
    assert transact(bench.sessions, ledger.verify) == []


def test_only_the_digest_of_the_username_is_left(bench: Bench, database: Database) -> None:
    transact(bench.sessions, lambda session: identity.create_api_token(session, bench.alice, name="Alice's till", scopes=[Scope.READ]))
    neutral = bench.leave()
    assert neutral.startswith("closed-")
    assert len(neutral) == len("closed-") + 12
    for table in ("users", "logins", "api_tokens", "retired_usernames"):
        assert "alice" not in str(database.execute(f"SELECT * FROM {table}")).lower()
    assert database.execute("SELECT count(*) FROM logins WHERE user_id = (SELECT id FROM users WHERE closed_at IS NOT NULL)") == [(0,)]
    assert database.execute("SELECT count(*) FROM api_tokens") == [(0,)]


def test_nobody_logs_in_to_a_closed_account(bench: Bench) -> None:
    neutral = bench.leave()
    for name in ("alice", neutral):
        with pytest.raises(WrongCredentialsError):
            transact(bench.sessions, partial(identity.check_credentials, username=name, password=PASSWORD))


def test_nobody_else_gets_the_username_or_a_name_of_closed_accounts(bench: Bench) -> None:
    neutral = bench.leave()

    def register(username: str) -> None:
        transact(bench.sessions, lambda session: identity.register(
            session, username=username, password=PASSWORD, display_name=None, settings=bench.settings))

    with pytest.raises(UsernameTakenError):
        register("alice")
    for name in (neutral, "closed-account"):
        with pytest.raises(InvalidUsernameError, match="reserved"):
            register(name)
    register("closed")


def test_the_database_refuses_a_retired_username(bench: Bench, database: Database) -> None:
    bench.leave()
    account = database.execute("SELECT ledger.open_account('GBP')")[0][0]
    with pytest.raises(Exception, match="the username is retired"):
        database.execute(f"INSERT INTO users (username, display_name, password_hash, account_id) VALUES ('alice', 'A', 'x', {account})",
                         role="payment_system")


def test_a_closed_account_is_not_among_the_people(bench: Bench) -> None:
    neutral = bench.leave()
    people = transact(bench.sessions, identity.list_people).people
    assert [each.username for each in people] == ["bob"]
    assert transact(bench.sessions, identity.count_people) == 1
    found = transact(bench.sessions, lambda session: identity.list_people(session, search="closed")).people
    assert found == []
    assert transact(bench.sessions, lambda session: identity.find_person(session, neutral)).display_name == "Closed account"


def test_a_closed_account_cannot_be_paid_and_cannot_pay(bench: Bench, database: Database) -> None:
    neutral = bench.leave()
    for to in (neutral, "alice"):
        with pytest.raises((WalletClosedError, NotFoundError)):
            bench.pay(bench.bob, to, "1.00")
    with pytest.raises(WalletClosedError):
        bench.pay(bench.alice, "bob", "1.00")
    assert database.execute("SELECT sum(balance) FROM ledger.accounts WHERE status = 'closed'") == [(0,)]


def test_a_wallet_with_money_stays_open_and_the_message_says_what_to_do(bench: Bench, database: Database) -> None:
    bench.pay(bench.alice, "bob", "999.99")
    with pytest.raises(WalletNotEmptyError) as refused:
        bench.close()
    assert refused.value.user_message == (
        "Your wallet still holds £0.01. Pay it to somebody, or ask whoever runs this site to pay it out to you. Then close the account.")
    assert database.execute("SELECT username, closed_at FROM users ORDER BY username") == [("alice", None), ("bob", None)]
    assert database.execute("SELECT count(*) FROM logins") == [(2,)]
    assert database.execute("SELECT count(*) FROM retired_usernames") == [(0,)]


def test_a_wrong_password_closes_nothing(bench: Bench, database: Database) -> None:
    bench.pay(bench.alice, "bob", "1000.00")
    with pytest.raises(WrongCredentialsError):
        bench.close("not the password of alice")
    assert database.execute("SELECT count(*) FROM users WHERE closed_at IS NOT NULL") == [(0,)]


def test_an_api_token_closes_nothing(bench: Bench) -> None:
    issued = transact(bench.sessions, lambda session: identity.create_api_token(
        session, bench.alice, name="till", scopes=[Scope.READ, Scope.PAY]))
    client = transact(bench.sessions, lambda session: identity.viewer_of_api_token(session, issued.secret))
    assert client is not None
    with pytest.raises(ForbiddenError):
        transact(bench.sessions, lambda session: identity.close_own_account(
            session, client, password=PASSWORD, currency=bench.settings.currency))


@pytest.mark.parametrize("status", ["frozen", "outgoing_frozen"])
def test_only_the_operator_closes_a_frozen_account(bench: Bench, database: Database, status: Any) -> None:
    bench.pay(bench.alice, "bob", "1000.00")
    transact(bench.sessions, lambda session: ledger.set_status(session, bench.alice.account_id, status))
    with pytest.raises(WalletFrozenError) as refused:
        bench.close()
    assert refused.value.user_message == "Your wallet is frozen, so your account cannot be closed now. Ask whoever runs this site."
    transact(bench.sessions, lambda session: identity.close_account(session, "alice", currency=bench.settings.currency))
    assert database.execute("SELECT status FROM ledger.accounts ORDER BY id") == [("closed",), ("open",), ("open",)]


def test_a_closed_account_is_never_opened_or_changed_again(bench: Bench, database: Database) -> None:
    neutral = bench.leave()
    assert not transact(bench.sessions, lambda session: ledger.set_status(session, bench.alice.account_id, "open"))
    with pytest.raises(NotFoundError):
        transact(bench.sessions, lambda session: identity.close_account(session, "alice", currency=bench.settings.currency))
    with pytest.raises(NotFoundError):
        transact(bench.sessions, lambda session: identity.close_account(session, neutral, currency=bench.settings.currency))
    for statement in (
        "UPDATE users SET display_name = 'Alice' WHERE closed_at IS NOT NULL",
        "INSERT INTO logins (id, user_id, token_sha256) SELECT gen_random_uuid(), id, sha256('x') FROM users WHERE closed_at IS NOT NULL",
        "INSERT INTO api_tokens (id, user_id, name, scopes, token_sha256) "  # noqa: ISC004 - one statement on two lines
        "SELECT gen_random_uuid(), id, 'x', '{READ}', sha256('x') FROM users WHERE closed_at IS NOT NULL",
    ):
        with pytest.raises(Exception, match="the account is closed"):
            database.execute(statement, role="payment_system")


def test_a_payment_and_a_closing_at_the_same_time_lose_no_money(
    bench: Bench, viewer: Any, database: Database
) -> None:
    rounds = 20

    def race(person: Any) -> None:
        def pay() -> None:
            bench.pay(bench.bob, person.username, "0.01")

        def close() -> None:
            transact(bench.sessions, lambda session: identity.close_account(session, person.username, currency=bench.settings.currency))

        with ThreadPoolExecutor(2) as executor:
            outcomes = [executor.submit(each).exception() for each in (pay, close)]
        # Exactly one of the two succeeds.
        assert sorted(type(each).__name__ for each in outcomes) in (
            ["NoneType", "WalletClosedError"], ["NoneType", "NotFoundError"], ["NoneType", "WalletNotEmptyError"]), outcomes

    for number in range(rounds):
        person = viewer(f"person-{number}")
        bench.pay(person, "bob", "1000.00")
        race(person)
    assert database.execute("SELECT count(*) FROM ledger.accounts WHERE status = 'closed' AND balance <> 0") == [(0,)]
    assert transact(bench.sessions, ledger.verify) == []
