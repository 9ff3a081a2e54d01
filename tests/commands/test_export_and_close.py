"""The operator exports the data of a person, and closes accounts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from app import identity, payments
from app.amounts import parse_amount
from app.database import transact
from app.identity import Scope

if TYPE_CHECKING:
    from app.database import Sessions
    from app.settings import Settings
    from tests.commands.conftest import Operator
    from tests.conftest import Database

KEY = UUID("8d1c6f2e-51c6-4f0d-9a55-3f4f6c0f7e21")


@pytest.fixture
def alice(viewer: Any, sessions: Sessions, settings: Settings) -> Any:
    """A person with a payment, a login and a token."""
    alice, _ = viewer("alice"), viewer("bob")
    transact(sessions, lambda session: payments.pay(
        session, alice, idempotency_key=KEY, to="bob", amount=parse_amount("1000.00", settings.currency), memo="rent, müsli"))
    transact(sessions, lambda session: identity.create_api_token(session, alice, name="till", scopes=[Scope.READ, Scope.PAY]))
    return alice


def test_an_export_has_all_stored_data_and_no_secret(operator: Operator, alice: Any, database: Database) -> None:
    found = operator.json("users export alice")
    assert {name: found[name] for name in ("username", "display_name", "joined_at", "closed_at", "password", "wallet")} == {
        "username": "alice", "display_name": "Alice", "joined_at": alice.joined_at.isoformat(), "closed_at": None,
        "password": "kept as an Argon2id hash",
        "wallet": {"status": "open", "balance": "0.00", "currency": "GBP", "payments": 2},
    }
    assert [each["browser"] for each in found["logins"]] == ["tests"]
    assert [(each["name"], each["scopes"], each["last_used_at"]) for each in found["api_tokens"]] == [("till", ["PAY", "READ"], None)]
    opening, rent = found["payments"]
    assert (opening["kind"], opening["amount"], opening["balance_after"], opening["username"]) == ("issue", "1000.00", "1000.00", None)
    assert {name: rent[name] for name in rent if name != "at"} == {
        "reference": str(KEY), "kind": "payment", "username": "bob", "display_name": "Bob", "memo": "rent, müsli", "amount": "-1000.00",
        "currency": "GBP", "balance_after": "0.00", "refund_of": None,
    }
    ((stored,),) = database.execute("SELECT password_hash FROM users WHERE username = 'alice'")
    assert stored not in json.dumps(found)


def test_an_export_has_every_column_with_data_of_a_person(database: Database) -> None:
    """A new column must be in the export, or be listed here with its reason."""
    kept = {f"{table}.{column}" for table, column in database.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' "
        "AND table_name IN ('users', 'logins', 'api_tokens')")}
    told = {
        "users.username", "users.display_name", "users.password_hash", "users.joined_at", "users.closed_at", "users.is_operator",
        "logins.user_agent", "logins.created_at", "logins.last_seen_at",
        "api_tokens.name", "api_tokens.scopes", "api_tokens.created_at", "api_tokens.last_used_at",
    }
    of_the_program_alone = {"users.id", "users.account_id", "logins.id", "logins.user_id", "logins.token_sha256", "api_tokens.id",
                            "api_tokens.user_id", "api_tokens.token_sha256"}
    assert kept == told | of_the_program_alone


@pytest.mark.usefixtures("alice")
def test_an_export_has_a_format_for_people(operator: Operator) -> None:
    text = operator.says("users export alice")
    assert "Username  alice" in text
    assert "Wallet    open, 0.00 GBP" in text
    assert "1 login\n" in text
    assert "1 API token\n" in text
    assert "2 payments\nREFERENCE" in text
    assert "rent, müsli" in text


@pytest.mark.usefixtures("alice")
def test_an_export_without_payments_is_json_too(operator: Operator, viewer: Any, database: Database) -> None:
    viewer("carol")
    database.execute("SET session_replication_role = replica; DELETE FROM ledger.entries WHERE account_id = "
                     "(SELECT account_id FROM users WHERE username = 'carol')")
    assert operator.json("users export carol")["payments"] == []


@pytest.mark.usefixtures("alice")
def test_an_account_is_closed_for_good(operator: Operator) -> None:
    closed_as = operator.json("users close alice --yes")["closed_as"]
    assert operator.is_refused("users close alice --yes", code=2) == "There is nobody by that username. Check the spelling."
    assert [each["username"] for each in operator.json("users list")] == ["bob"]
    assert operator.json(f"users show {closed_as}")["status"] == "closed"
    exported = operator.json(f"users export {closed_as}")
    assert (exported["display_name"], exported["logins"], exported["api_tokens"]) == ("Closed account", [], [])
    assert len(exported["payments"]) == 2
    assert "The books balance" in operator.says("ledger verify")


@pytest.mark.usefixtures("alice")
def test_without_a_terminal_and_without_yes_nothing_is_closed(operator: Operator) -> None:
    assert operator.is_refused("users close alice", code=2, typed="y\n") == "Nobody is here to ask. Add --yes to do it without a question."
    assert operator.json("users show alice")["status"] == "open"


@pytest.mark.usefixtures("alice")
def test_a_wallet_that_holds_money_is_not_closed(operator: Operator) -> None:
    told = operator.is_refused("users close bob --yes", code=1)
    assert told == "The wallet holds £2,000.00. Empty it first, for example with `money redeem`. Nothing was changed."
    assert operator.json("users show bob")["status"] == "open"
