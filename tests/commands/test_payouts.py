"""The operator pays many people by a file: every bad line is reported with its number and reason, and the same id pays each line once."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from app import ledger
from app.database import transact
from tests.gunicorn import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

    from app.database import Sessions
    from tests.commands.conftest import Operator
    from tests.conftest import Database


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


def test_a_file_is_paid_and_a_sentence_reports_it(operator: Operator, file: Any, sessions: Sessions) -> None:
    said = operator.says("money payout", file("username,amount,memo\nbob,10,Wages\nkate,5.50,\n"), "--yes", "--from", "alice")
    assert said == "2 payments of £15.50 in all from alice, who now holds £984.50.\n"
    assert balances(operator) == ["984.50", "1010.00", "1005.50"]
    assert transact(sessions, ledger.verify) == []


@pytest.mark.parametrize("mode", ["--atomic", "--each"])
def test_a_paid_file_is_paid_again_only_with_again(operator: Operator, file: Any, mode: str) -> None:
    rest = ("--yes", "--from", "alice", mode)
    operator.says("money payout", file("bob;10\nkate;5,50\n"), *rest)
    refused = operator.is_refused("money payout", file("to,amount\nkate,5.50\nbob,10.00\n"), *rest, code=1)
    assert refused.startswith("This file was paid before, at 20")
    assert refused.endswith(" UTC, and nothing was paid now. Add --again to pay it once more.")
    assert balances(operator) == ["984.50", "1010.00", "1005.50"]

    again = operator.run("money payout", file("bob,10\nkate,5.50\n"), *rest, "--again")
    made = again.stderr.split()[1]
    assert again.stderr == f"Id: {made} (to try again without paying twice, add --id {made})\n"
    assert again.stdout == "2 payments of £15.50 in all from alice, who now holds £969.00.\n"
    assert operator.says("money payout", file("bob,10\nkate,5.50\n"), *rest, "--again", "--id", made) == (
        "2 payments of £15.50 in all from alice, who now holds £969.00. 2 of them were paid before, and not again.\n")
    assert balances(operator) == ["969.00", "1020.00", "1011.00"]


def test_the_same_command_continues_an_interrupted_payout(operator: Operator, file: Any) -> None:
    operator.says("users freeze kate")
    lines = file("".join(f"bob,0.10,Line {number}\n" for number in range(600)))
    rest = ("--yes", "--each", "--from", "alice")
    operator.says("money redeem alice 950 --reason Out")
    broken = operator.run("money payout", lines, *rest)
    assert broken.exit_code == 1
    assert broken.stdout == "500 payments of £50.00 in all from alice, who now holds £0.00. 100 lines were refused.\n"
    operator.says("money issue alice 10 --reason In")
    assert operator.says("money payout", lines, *rest) == (
        "600 payments of £60.00 in all from alice, who now holds £0.00. 500 of them were paid before, and not again.\n")


def test_an_id_is_allowed_only_with_again(operator: Operator, file: Any) -> None:
    told = operator.is_refused("money payout", file("bob,1"), "--yes", "--from", "alice", "--id", str(uuid4()), code=2)
    assert told == "Give --id with --again. Without it a file pays each of its lines once, however often it is given."


def test_repeated_lines_are_reported_and_need_a_confirmation(operator: Operator, file: Any) -> None:
    command = ("money payout", file("bob,1,Tea\nkate,1,Tea\nbob,1.00,Tea\n"), "--yes", "--from", "alice")
    assert operator.is_refused(*command, code=2) == (
        "The file has the same payment more than once: lines 1, 3. Add --repeated if they are meant.")
    assert balances(operator) == ["1000.00", "1000.00", "1000.00"]
    assert operator.says(*command, "--repeated").startswith("3 payments of £3.00 in all")


def test_a_dry_run_shows_all_and_pays_nothing(operator: Operator, file: Any) -> None:
    path = file("bob,1,Tea\nkate,1000.50\nbob,1,Tea\n")
    assert operator.says("money payout", path, "--dry-run", "--from", "alice").splitlines() == [
        "LINE  TO       AMOUNT  MEMO",
        "   1  bob       £1.00  Tea",
        "   2  kate  £1,000.50",
        "   3  bob       £1.00  Tea",
        "",
        "Payments     3",
        "Total        £1,002.50",
        "alice holds  £1,000.00",
        "And after    -£2.50",
        "",
        "The file has the same payment more than once: lines 1, 3.",
        "Nothing was paid: this is a dry run.",
    ]
    told = operator.json("money payout", path, "--dry-run", "--from", "alice")
    assert (told["total"], told["balance_after"], told["repeated"], told["paid_before"]) == ("1002.50", "-2.50", [[1, 3]], 0)
    assert balances(operator) == ["1000.00", "1000.00", "1000.00"]


def test_without_a_terminal_nothing_is_paid_unless_yes_is_given(operator: Operator, file: Any) -> None:
    told = operator.is_refused("money payout", file("bob,1"), "--from", "alice", code=2)
    assert told == "Nobody is here to ask. Add --yes to do it without a question."
    assert balances(operator) == ["1000.00", "1000.00", "1000.00"]


@pytest.mark.parametrize(("typed", "balance"), [("y", "999.00"), ("n", "1000.00"), ("", "1000.00")])
def test_at_a_terminal_it_shows_the_payments_and_asks(database: Database, operator: Operator, file: Any, typed: str, balance: str) -> None:
    here, there = pty.openpty()
    os.write(here, f"{typed}\n".encode())
    command = [sys.executable, "-m", "flask", "--app", "app", "money", "payout", file("bob,1,Tea\n"), "--from", "alice"]
    environment = {**os.environ, "DATABASE_URL": database.app_url, "PAYMENT_SYSTEM_SECURE_COOKIES": "false"}
    ended = subprocess.run(command, stdin=there, capture_output=True, text=True, check=False, env=environment, cwd=CHECKOUT)
    os.close(here)
    os.close(there)
    for part in ("bob   £1.00  Tea", "And after    £999.00", "Pay £1.00 from alice? [y/N]: "):
        assert part in ended.stderr, ended.stderr
    assert ended.returncode == (0 if typed == "y" else 1)
    assert ("Nothing was paid." in ended.stderr) == (typed != "y")
    assert balances(operator)[0] == balance


@pytest.mark.parametrize(("text", "sentence"), [
    ("bob,1,000.00", "This line could mean £1.00 with the memo “000.00”, or £1,000.00."),
    ("kate,1,50", "This line could mean £1.00 with the memo “50”, or £1.50."),
])
@pytest.mark.parametrize("mode", ["--atomic", "--each"])
def test_an_ambiguous_amount_pays_nothing_of_the_file(
    operator: Operator, file: Any, text: str, sentence: str, mode: str
) -> None:
    result = operator.run("money payout", file(f"bob,5\n{text}\n"), "--yes", mode, "--from", "alice")
    assert (result.exit_code, result.stdout) == (2, "Nothing was paid.\n")
    assert result.stderr.startswith(f"Line 2: {sentence}")
    assert balances(operator) == ["1000.00", "1000.00", "1000.00"]


def test_an_atomic_payout_reports_every_bad_line_and_pays_nobody(operator: Operator, file: Any) -> None:
    lines = ["bob,0.01"] * 8_000
    lines[7_311], lines[4] = "bobb,0.01", "bob,-1"
    result = operator.run("money payout", file("\n".join(lines)), "--yes", "--from", "alice")
    assert (result.exit_code, result.stdout) == (2, "Nothing was paid.\n")
    assert result.stderr.splitlines() == [
        "Line 5: An amount is never below zero. Leave out the minus sign.",
        "Line 7312: There is nobody by that username. Check the spelling.",
    ]
    assert balances(operator) == ["1000.00", "1000.00", "1000.00"]


def test_each_pays_until_the_money_is_used_and_pays_nothing_of_a_file_with_a_bad_line(operator: Operator, file: Any) -> None:
    result = operator.run("money payout", file("bob,1\nkate,2000\nkate,1\n"), "--yes", "--from", "alice", "--each")
    assert result.exit_code == 1
    assert result.stdout == "2 payments of £2.00 in all from alice, who now holds £998.00. 1 line was refused.\n"
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == ["Line 2"]
    result = operator.run("money payout", file("bob,2\nnobody-here,1\n"), "--yes", "--from", "alice", "--each")
    assert (result.exit_code, result.stdout) == (2, "Nothing was paid.\n")
    assert balances(operator)[0] == "998.00"


def test_a_total_beyond_the_balance_names_the_shortfall(operator: Operator, file: Any) -> None:
    told = operator.is_refused("money payout", file("bob,600\nkate,600\n"), "--yes", "--from", "alice", code=1)
    assert told == "The wallet holds £1,000.00, £200.00 too little. Nothing was moved."
    assert balances(operator) == ["1000.00", "1000.00", "1000.00"]


def test_a_payout_has_json_output(operator: Operator, file: Any) -> None:
    result = operator.run("money payout", file("bob,1,a\nkate,1000\n"), "--from", "ALICE", "--yes", "--each", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    lines = told.pop("lines")
    assert len(told.pop("id")) == 36
    assert told == {"from": "alice", "currency": "GBP", "total": "1.00", "balance": "999.00"}
    assert len(lines[0].pop("id")) == 36
    assert lines == [
        {"line": 1, "to": "bob", "amount": "1", "memo": "a", "replayed": False, "refused": None, "reason": None},
        {"line": 2, "to": "kate", "amount": "1000", "memo": None, "id": None, "replayed": False, "refused": "INSUFFICIENT_FUNDS",
         "reason": "You need £1.00 more. Ask someone for it, or send less."},
    ]
    wrong = operator.run("money payout", file("bob,1,50\n"), "--from", "alice", "--yes", "--json")
    assert [each["refused"] for each in json.loads(wrong.stdout)["lines"]] == ["INVALID_AMOUNT"]


@pytest.mark.parametrize(("text", "sentence"), [
    (b"bob,1\nkate,1,caf\xe9\n", "Line 2 is not in UTF-8."),
    (b"bob,1\n" * 10_001, "Line 10,001 is one too many"),
    (b"", "The file is empty."),
    (b'bob,1\nkate,"1\n', "Line 2 cannot be read"),
    (b"x" * (3 * 1024 * 1024 + 1), "The file is too large: it may have 3 MB at most."),
])
def test_what_is_no_such_file_is_refused_with_its_line(operator: Operator, file: Any, text: bytes, sentence: str) -> None:
    assert operator.is_refused("money payout", file(text), "--yes", "--from", "alice", code=2).startswith(sentence)
    assert balances(operator) == ["1000.00", "1000.00", "1000.00"]


def test_an_unknown_payer_and_a_missing_file_are_bad_input(operator: Operator, file: Any) -> None:
    assert "nobody by that username" in operator.is_refused("money payout", file("bob,1"), "--from", "nobody", code=2)
    assert "No such file" in operator.is_refused("money payout /nowhere.csv --yes --from alice", code=2)


def test_a_file_may_come_through_a_pipe(operator: Operator) -> None:
    assert operator.says("money payout - --yes --from alice", typed="bob,1\n").startswith("1 payment of £1.00 in all from alice")


def test_a_frozen_wallet_pays_nothing_out(operator: Operator, file: Any) -> None:
    operator.says("users freeze alice")
    result = operator.run("money payout", file("bob,1\n"), "--yes", "--from", "alice")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: The wallet is frozen and nothing was moved. Open it first with `users unfreeze`.\n"
