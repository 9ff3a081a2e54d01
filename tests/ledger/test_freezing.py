"""What a status of an account lets through, for people and for the operator: written out, and the same in Python as in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from app.ledger import CLOSED, MONEY_MAY_ARRIVE, MONEY_MAY_LEAVE

if TYPE_CHECKING:
    from tests.conftest import Database

STATUSES = ("open", "frozen", "outgoing_frozen", "closed")
PEOPLE = {
    ("open", "open"): "posted", ("open", "outgoing_frozen"): "posted", ("open", "frozen"): "frozen", ("open", "closed"): "closed",
    ("outgoing_frozen", "open"): "frozen", ("outgoing_frozen", "outgoing_frozen"): "frozen", ("outgoing_frozen", "frozen"): "frozen",
    ("outgoing_frozen", "closed"): "closed",
    ("frozen", "open"): "frozen", ("frozen", "outgoing_frozen"): "frozen", ("frozen", "frozen"): "frozen", ("frozen", "closed"): "closed",
    ("closed", "open"): "closed", ("closed", "outgoing_frozen"): "closed", ("closed", "frozen"): "closed", ("closed", "closed"): "closed",
}


class Accounts:
    """A payer and a payee, with a payment between them that can be given back, in statuses of the test's own."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.issuance, self.payer, self.payee = (database.execute(statement)[0][0] for statement in (
            "SELECT ledger.issuance_account('GBP')", "SELECT ledger.open_account('GBP')", "SELECT ledger.open_account('GBP')"))
        assert self.post("issue", self.issuance, self.payer, 100) == "posted"
        assert self.post("issue", self.issuance, self.payee, 100) == "posted"
        self.paid = str(uuid4())
        assert self.post("payment", self.payee, self.payer, 50, transfer_id=self.paid) == "posted"

    def post(self, kind: str, source: int, destination: int, amount: int, *, transfer_id: str | None = None) -> str:
        return str(self.ask(f"post_transfer('{transfer_id or uuid4()}', '{kind}', {source}, {destination}, {amount})"))

    def post_two(self) -> list[str]:
        ids = f"ARRAY['{uuid4()}', '{uuid4()}']::uuid[]"
        return [row[0] for row in self.database.execute(
            f"SELECT status FROM ledger.post_transfers({ids}, 'payment', ARRAY[{self.payer}, {self.payer}], "
            f"ARRAY[{self.payee}, {self.payee}], ARRAY[1, 1]::bigint[], ARRAY[NULL, NULL]::text[], false)", role="payment_system")]

    def refund(self, *, despite_freeze: bool) -> str:
        """The payer was paid before, and gives a penny of it back."""
        return str(self.ask(f"refund_transfer('{uuid4()}', '{self.paid}', {self.payer}, 1, NULL, {despite_freeze})"))

    def ask(self, call: str) -> object:
        return self.database.execute(f"SELECT status FROM ledger.{call}", role="payment_system")[0][0]

    def set(self, payer: str, payee: str) -> None:
        for account, status in ((self.payer, payer), (self.payee, payee)):
            self.database.execute(f"UPDATE ledger.accounts SET status = '{status}' WHERE id = {account}")


@pytest.fixture
def accounts(database: Database) -> Accounts:
    return Accounts(database)


@pytest.mark.parametrize(("statuses", "outcome"), PEOPLE.items(), ids=" to ".join)
def test_people_move_money_as_the_two_statuses_let_them(accounts: Accounts, statuses: tuple[str, str], outcome: str) -> None:
    accounts.set(*statuses)
    assert accounts.post("payment", accounts.payer, accounts.payee, 1) == outcome
    assert accounts.post_two() == [outcome, outcome]
    assert accounts.refund(despite_freeze=False) == outcome


@pytest.mark.parametrize("status", STATUSES)
def test_a_freeze_does_not_bind_the_operator_and_a_closed_account_takes_and_gives_nothing(accounts: Accounts, status: str) -> None:
    accounts.set(status, "open")
    outcome = "closed" if status == "closed" else "posted"
    assert accounts.post("redeem", accounts.payer, accounts.issuance, 1) == outcome
    assert accounts.post("issue", accounts.issuance, accounts.payer, 1) == outcome
    assert accounts.refund(despite_freeze=True) == outcome


def test_python_tells_the_same_before_anything_moves() -> None:
    refused_to_leave = {payer for (payer, payee), outcome in PEOPLE.items() if payee == "open" and outcome != "posted"}
    refused_to_arrive = {payee for (payer, payee), outcome in PEOPLE.items() if payer == "open" and outcome != "posted"}
    assert set(STATUSES) - MONEY_MAY_LEAVE == refused_to_leave
    assert set(STATUSES) - MONEY_MAY_ARRIVE == refused_to_arrive
    assert {payer for (payer, payee), outcome in PEOPLE.items() if payee == "open" and outcome == "closed"} == {CLOSED}


@pytest.mark.parametrize("status", ["open", "frozen", "outgoing_frozen"])
def test_nothing_but_closing_closes_and_nothing_opens_again(accounts: Accounts, status: str) -> None:
    accounts.set("open", "closed")
    assert accounts.database.execute(f"SELECT ledger.set_status({accounts.payee}, '{status}')") == [(False,)]
    assert accounts.database.execute(f"SELECT ledger.set_status({accounts.payer}, 'closed')") == [(False,)]
