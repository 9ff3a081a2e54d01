"""The operator pays many by a file: every bad line is told with its number and cause, and the same id pays each line once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from app import ledger
from app.database import transact

if TYPE_CHECKING:
    from pathlib import Path

    from app.database import Sessions
    from tests.commands.conftest import Operator


@pytest.fixture(autouse=True)
def people(viewer: Any) -> None:
    """Each holds 1000.00."""
    for name in ("alice", "bob", "kate"):
        viewer(name)


@pytest.fixture
def file(tmp_path: Path) -> Any:
    """Writes a file; returns its path."""

    def write(text: str | bytes) -> str:
        path = tmp_path / "payout.csv"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return str(path)

    return write


def balances(operator: Operator) -> list[str]:
    return [str(operator.json(f"users show {name}")["balance"]) for name in ("alice", "bob", "kate")]


def test_a_file_is_paid_and_told_in_a_sentence(operator: Operator, file: Any, sessions: Sessions) -> None:
    said = operator.says("money payout", file("username,amount,memo\nbob,10,Wages\nkate,5.50,\n"), "--from", "alice")
    assert said == "2 payments of £15.50 in all from alice, who now holds £984.50.\n"
    assert balances(operator) == ["984.50", "1010.00", "1005.50"]
    assert transact(sessions, ledger.verify) == []


@pytest.mark.parametrize("mode", ["--atomic", "--each"])
def test_the_same_id_and_file_again_pay_nothing_twice(operator: Operator, file: Any, mode: str) -> None:
    command = ("money payout", file("bob;10\nkate;5.50\n"), "--from", "alice", mode, "--id", str(uuid4()))
    operator.says(*command)
    assert operator.says(*command) == (
        "2 payments of £15.50 in all from alice, who now holds £984.50. 2 of them were paid before, and not again.\n")
    assert balances(operator) == ["984.50", "1010.00", "1005.50"]


def test_a_payout_that_broke_off_is_taken_up_again_with_its_id(operator: Operator, file: Any) -> None:
    given = ("--from", "alice", "--each", "--id", str(uuid4()))
    operator.says("money payout", file("bob,0.10\n" * 600), *given)
    said = operator.says("money payout", file("bob,0.10\n" * 1_100), *given)
    assert said == "1,100 payments of £110.00 in all from alice, who now holds £890.00. 600 of them were paid before, and not again.\n"


def test_without_an_id_one_is_made_and_told_before_anything_moves(operator: Operator, file: Any) -> None:
    path = file("bob,1\n")
    first = operator.run("money payout", path, "--from", "alice")
    made = first.stderr.split()[1]
    assert first.stderr == f"Id: {made} (to try again without paying twice, add --id {made})\n"
    assert operator.json("money payout", path, "--from", "alice", "--id", made)["lines"][0]["replayed"] is True
    assert balances(operator)[0] == "999.00"


def test_all_or_nothing_tells_every_bad_line_and_pays_nobody(operator: Operator, file: Any) -> None:
    lines = ["bob,0.01"] * 8_000
    lines[7_311], lines[4] = "bobb,0.01", "bob,-1"
    result = operator.run("money payout", file("\n".join(lines)), "--from", "alice")
    assert (result.exit_code, result.stdout) == (2, "Nothing was paid.\n")
    assert result.stderr.splitlines()[1:] == [
        "Line 5: An amount is never below zero. Leave out the minus sign.",
        "Line 7312: There is nobody by that username. Check the spelling.",
    ]
    assert balances(operator) == ["1000.00", "1000.00", "1000.00"]


def test_each_on_its_own_pays_the_others(operator: Operator, file: Any) -> None:
    result = operator.run("money payout", file("bob,1\nnobody-here,1\nkate,2000\nkate,1\n"), "--from", "alice", "--each")
    assert result.exit_code == 2
    assert result.stdout == "2 payments of £2.00 in all from alice, who now holds £998.00. 2 lines were refused.\n"
    assert [line.partition(":")[0] for line in result.stderr.splitlines()[1:]] == ["Line 2", "Line 3"]


def test_a_total_beyond_the_balance_names_the_shortfall(operator: Operator, file: Any) -> None:
    told = operator.is_refused("money payout", file("bob,600\nkate,600\n"), "--from", "alice", code=1)
    assert told == "The wallet holds £1,000.00, £200.00 too little. Nothing was moved."
    assert balances(operator) == ["1000.00", "1000.00", "1000.00"]


def test_a_payout_is_data_for_scripts(operator: Operator, file: Any) -> None:
    given = str(uuid4())
    result = operator.run("money payout", file("bob,1,a\nnobody-here,1\n"), "--from", "ALICE", "--id", given, "--each", "--json")
    assert result.exit_code == 2
    told = json.loads(result.stdout)
    lines = told.pop("lines")
    assert told == {"id": given, "from": "alice", "currency": "GBP", "total": "1.00", "balance": "999.00"}
    assert len(lines[0].pop("id")) == 36
    assert lines == [
        {"line": 1, "to": "bob", "amount": "1", "memo": "a", "replayed": False, "refused": None, "reason": None},
        {"line": 2, "to": "nobody-here", "amount": "1", "memo": None, "id": None, "replayed": False, "refused": "NOT_FOUND",
         "reason": "There is nobody by that username. Check the spelling."},
    ]


@pytest.mark.parametrize(("text", "sentence"), [
    (b"bob,1\nkate,1,caf\xe9\n", "Line 2 is not in UTF-8."),
    (b"bob,1\n" * 10_001, "Line 10,001 is one too many"),
    (b"", "There is no payment in this file."),
    (b'bob,1\nkate,"1\n', "Line 2 cannot be read"),
    (b"x" * (16 * 1024 * 1024 + 1), "The file has more than 16 MiB."),
])
def test_what_is_no_such_file_is_refused_with_its_line(operator: Operator, file: Any, text: bytes, sentence: str) -> None:
    assert operator.is_refused("money payout", file(text), "--from", "alice", code=2).startswith(sentence)
    assert balances(operator) == ["1000.00", "1000.00", "1000.00"]


def test_an_unknown_payer_and_a_missing_file_are_bad_input(operator: Operator, file: Any) -> None:
    assert "nobody by that username" in operator.is_refused("money payout", file("bob,1"), "--from", "nobody", code=2)
    assert "No such file" in operator.is_refused("money payout /nowhere.csv --from alice", code=2)


def test_a_file_may_come_through_a_pipe(operator: Operator) -> None:
    assert operator.says("money payout - --from alice", typed="bob,1\n").startswith("1 payment of £1.00 in all from alice")


def test_nothing_leaves_a_frozen_wallet(operator: Operator, file: Any) -> None:
    operator.says("users freeze alice")
    result = operator.run("money payout", file("bob,1\n"), "--from", "alice")
    assert (result.exit_code, result.stdout) == (1, "Nothing was paid.\n")
