"""The operator issues, redeems and refunds money: once for each id, with a reason, and never more than there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from app import ledger, payments
from app.amounts import parse_amount
from app.database import transact

if TYPE_CHECKING:
    from app.database import Sessions
    from app.settings import Settings
    from tests.commands.conftest import Operator


@pytest.fixture(autouse=True)
def alice(viewer: Any) -> Any:
    """Holds 1000.00."""
    return viewer("alice")


def _balance(operator: Operator) -> str:
    return str(operator.json("users show alice")["balance"])


def test_money_is_issued_and_redeemed(operator: Operator, sessions: Sessions) -> None:
    assert operator.says("money issue alice 12.50 --reason", "Cash at the desk") == "£12.50 issued to alice, who now holds £1,012.50.\n"
    assert operator.says("money redeem alice 2.5 --reason Back") == "£2.50 redeemed from alice, who now holds £1,010.00.\n"
    assert _balance(operator) == "1010.00"
    assert transact(sessions, ledger.verify) == []


def test_issue_and_redeem_have_json_output(operator: Operator) -> None:
    given = str(uuid4())
    told = operator.json(f"money issue ALICE 0.01 --id {given} --reason", "  One\npenny ")
    assert UUID(told["id"]) == UUID(given)
    del told["created_at"]
    assert told == {
        "id": given, "kind": "issue", "username": "alice", "amount": "0.01", "currency": "GBP", "balance": "1000.01",
        "reason": "One penny", "replayed": False,
    }


def test_the_same_id_twice_moves_money_once_and_says_so(operator: Operator) -> None:
    command = f"money redeem alice 400 --reason Out --id {uuid4()}"
    assert "Nothing was moved now" not in operator.says(command)
    said = operator.says(command)
    assert said.startswith("Already done with this id at 20")
    assert said.endswith(": £400.00 redeemed from alice, who now holds £600.00. Nothing was moved now.\n")
    assert operator.json(command)["replayed"] is True
    assert _balance(operator) == "600.00"


def test_without_an_id_a_new_id_is_printed_before_anything_moves(operator: Operator) -> None:
    first = operator.run("money issue alice 5 --reason In")
    made = first.stderr.split()[1]
    assert first.stderr == f"Id: {made} (to try again without moving the money twice, add --id {made})\n"
    assert operator.json(f"money issue alice 5 --reason In --id {made}")["replayed"] is True
    assert _balance(operator) == "1005.00"


def test_an_id_of_a_different_movement_is_refused(operator: Operator, viewer: Any) -> None:
    viewer("bob")
    given = uuid4()
    operator.says(f"money issue alice 5 --reason In --id {given}")
    for other in ("issue alice 6 --reason In", "issue alice 5 --reason Else", "redeem alice 5 --reason In", "issue bob 5 --reason In"):
        told = operator.is_refused(f"money {other} --id {given}", code=1)
        assert told == "This --id belongs to a different movement and nothing was moved now. Leave --id out to make a new one."
    assert _balance(operator) == "1005.00"


def test_the_whole_balance_can_be_redeemed_and_not_a_penny_more(operator: Operator) -> None:
    told = operator.is_refused("money redeem alice 1000.01 --reason Out", code=1)
    assert told == "The wallet holds £1,000.00, £0.01 too little. Nothing was moved."
    operator.says("money redeem alice 1000 --reason Out")
    assert _balance(operator) == "0.00"


def test_the_largest_amount_can_be_issued_at_once(operator: Operator) -> None:
    operator.says("money issue alice 10000000000.00 --reason Most")
    told = operator.is_refused("money issue alice 10000000000.01 --reason More", code=2)
    assert "£10,000,000,000.00" in told


@pytest.mark.parametrize("kind", ["issue", "redeem"])
def test_an_invalid_amount_is_bad_input_and_moves_nothing(operator: Operator, kind: str) -> None:
    for amount in ("", "-1", "+5", "0", "0.00", "0.001", "NaN", "Infinity", "1e5", "1_000", "5,00", "٥", "5\x1f", "0x10"):
        told = operator.is_refused(f"money {kind} alice", amount, "--reason", "x", code=2)
        assert "mount" in told or "at least" in told or "digits" in told, told
    assert _balance(operator) == "1000.00"


def test_an_unknown_person_gets_nothing(operator: Operator) -> None:
    told = operator.is_refused("money issue nobody 5 --reason In", code=2)
    assert told == "There is nobody by that username. Check the spelling."


@pytest.mark.parametrize("freeze", ["freeze", "freeze --outgoing"])
def test_the_operator_moves_money_of_a_frozen_wallet_which_stays_frozen(operator: Operator, freeze: str) -> None:
    operator.says(f"users {freeze} alice")
    before = operator.json("users show alice")["status"]
    operator.says("money redeem alice 5 --reason x")
    operator.says("money issue alice 2 --reason x")
    assert (_balance(operator), operator.json("users show alice")["status"]) == ("997.00", before)


@pytest.fixture
def paid(viewer: Any, sessions: Sessions, settings: Settings) -> str:
    """The id of a payment of 12.50 from bob to alice."""
    bob, key = viewer("bob"), uuid4()
    amount = parse_amount("12.50", settings.currency)
    transact(sessions, lambda session: payments.pay(session, bob, idempotency_key=key, to="alice", amount=amount, memo=None))
    return str(key)


def test_the_operator_refunds_from_a_frozen_wallet_in_parts_up_to_the_payment(
    operator: Operator, paid: str, sessions: Sessions
) -> None:
    operator.says("users freeze alice")
    said = operator.says(f"money refund {paid} 2.50 --reason mistake")
    assert said == "£2.50 given back from alice to bob; alice now holds £1,010.00.\n"
    assert operator.says(f"money refund {paid} --reason rest") == "£10.00 given back from alice to bob; alice now holds £1,000.00.\n"
    told = operator.is_refused(f"money refund {paid} --reason more", code=2)
    assert told == "This payment was refunded in full already. Nothing is left to refund."
    assert (operator.json("users show bob")["balance"], operator.json("users show alice")["status"]) == ("1000.00", "frozen")
    assert transact(sessions, ledger.verify) == []


def test_the_same_id_refunds_once(operator: Operator, paid: str) -> None:
    key = uuid4()
    first = operator.json(f"money refund {paid} 1 --reason x --id {key}")
    again = operator.json(f"money refund {paid} 1 --reason x --id {key}")
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert {name: first[name] for name in ("id", "payment", "from", "to", "amount", "balance")} == {
        "id": str(key), "payment": paid, "from": "alice", "to": "bob", "amount": "1.00", "balance": "1011.50"}
    assert _balance(operator) == "1011.50"
    assert operator.says(f"money refund {paid} 1 --reason x --id {key}").endswith("Nothing was moved now.\n")


def test_only_a_payment_can_be_refunded(operator: Operator, paid: str) -> None:
    refund = operator.json(f"money refund {paid} 1 --reason x")["id"]
    assert operator.is_refused(f"money refund {refund} --reason x", code=2) == (
        "Only a payment can be refunded. This is a refund, or money from or to whoever runs this site.")
    told = operator.is_refused(f"money refund {uuid4()} --reason x", code=2)
    assert told == "There is no payment by that id. Check it."
    assert _balance(operator) == "1011.50"


def test_money_that_the_payee_has_spent_cannot_be_refunded(operator: Operator, paid: str) -> None:
    operator.says("money redeem alice 1012.50 --reason out")
    told = operator.is_refused(f"money refund {paid} --reason x", code=1)
    assert told == "The wallet holds £0.00, £12.50 too little. Nothing was moved."


def test_money_moves_only_with_a_reason(operator: Operator) -> None:
    assert "Missing option '--reason'" in operator.is_refused("money issue alice 5", code=2)
    assert operator.is_refused("money issue alice 5 --reason", "  ", code=2).startswith("Say why with --reason")
    assert "at most 200 characters" in operator.is_refused("money issue alice 5 --reason", "x" * 201, code=2)
    operator.says("money issue alice 5 --reason", "x" * 200)


def test_an_id_is_a_uuid(operator: Operator) -> None:
    assert operator.is_refused("money issue alice 5 --reason x --id 7", code=2).startswith("That is not an id. Send a UUID as text")
