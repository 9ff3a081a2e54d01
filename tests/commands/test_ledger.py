"""`ledger verify` and `ledger trial-balance` say whether the books balance, and name each break."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.commands.conftest import Operator
    from tests.conftest import Database


def test_verify_says_that_the_books_balance(operator: Operator, viewer: Any) -> None:
    viewer("alice")
    viewer("bob")
    said = operator.says("ledger verify")
    assert said == "The books balance: £2,000.00 issued, all of it held in 2 wallets, 2 transfers.\n"
    assert operator.json("ledger verify") == {"balanced": True, "breaks": []}


def test_empty_books_balance(operator: Operator) -> None:
    assert operator.says("ledger verify") == "The books balance: £0.00 issued, all of it held in 0 wallets, 0 transfers.\n"
    assert operator.json("ledger trial-balance")["issued"] == "0.00"


def test_broken_books_are_exit_code_1_and_verify_names_the_breaks(operator: Operator, viewer: Any, database: Database) -> None:
    account = viewer("alice").account_id
    database.execute(f"UPDATE ledger.accounts SET balance = balance + 1 WHERE id = {account}")
    result = operator.run("ledger verify")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[:2] == [
        "The books are broken.", "- Not so: the balances of each currency sum to zero. GBP: the sum is 1",
    ]
    as_data = operator.run("ledger verify --json")
    assert as_data.exit_code == 1
    assert json.loads(as_data.stdout)["balanced"] is False
    assert json.loads(as_data.stdout)["breaks"][1] == {
        "invariant": "every balance equals the sum of its account's entries",
        "detail": f"account {account} holds 100001, its entries sum to 100000",
    }


def test_the_trial_balance_shows_what_was_issued_and_what_people_hold(operator: Operator, viewer: Any) -> None:
    viewer("alice")
    operator.says("money redeem alice 400 --reason Out")
    lines = operator.says("ledger trial-balance").splitlines()
    assert lines[:5] == ["Issued          £600.00", "Held by people  £600.00", "Balanced        yes", "Wallets         1",
                         "Transfers       2"]
    told = operator.json("ledger trial-balance")
    assert told.pop("checked_at").endswith("+00:00")
    assert told == {
        "issued": "600.00", "held_by_people": "600.00", "currency": "GBP", "balanced": True, "wallets": 1, "transfers": 2,
    }


def test_a_trial_balance_that_does_not_balance_is_exit_code_1(operator: Operator, viewer: Any, database: Database) -> None:
    account = viewer("alice").account_id
    database.execute(f"UPDATE ledger.accounts SET balance = balance + 1 WHERE id = {account}")
    result = operator.run("ledger trial-balance")
    assert result.exit_code == 1
    assert "Balanced        NO" in result.stdout
