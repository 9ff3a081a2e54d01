"""Every expected failure is one sentence, and an exit code for scripts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app import create_app
from app.commands.exit_codes import EXIT_CODES
from app.commands.output import table
from app.errors import ConflictRetryError
from app.settings import load_settings
from tests.commands.conftest import Operator

if TYPE_CHECKING:
    from flask import Flask

GROUPS = {
    "users": {"list", "show", "freeze", "unfreeze", "badge", "reset-password", "export", "close"},
    "money": {"issue", "payout", "redeem", "refund"},
    "ledger": {"verify", "trial-balance"},
    "db": {"upgrade", "check"},
    "schema": {"export"},
}
CHECKOUT = Path(__file__).parents[2]
COMMANDS = [(group, command) for group, commands in GROUPS.items() for command in sorted(commands)]
ARGUMENTS = {
    "users show": "alice", "users freeze": "alice", "users unfreeze": "alice", "users badge": "alice",
    "users reset-password": "alice --generate",
    "users export": "alice", "users close": "alice --yes", "money issue": "alice 5 --reason x", "money redeem": "alice 5 --reason x",
    "money refund": "8d1c6f2e-51c6-4f0d-9a55-3f4f6c0f7e21 --reason x", "schema export": "--tables",
}


@pytest.fixture
def cut_off() -> Operator:
    """An operator whose database is down."""
    gone = "postgresql+psycopg2://payment_system@/payment_system?host=/nowhere"
    return Operator(create_app(load_settings({"DATABASE_URL": gone, "DATABASE_OWNER_URL": gone})).test_cli_runner())


def test_these_are_all_the_commands(app: Flask) -> None:
    ours = {name: group for name, group in app.cli.commands.items() if isinstance(group, click.Group)}
    assert {name: set(group.commands) for name, group in ours.items()} == GROUPS


def test_every_command_documents_its_exit_codes_and_has_json_output(operator: Operator) -> None:
    for group, command in COMMANDS:
        said = operator.says(f"{group} {command} --help")
        assert [line.strip() for line in EXIT_CODES.splitlines()[2:] if line.strip() not in said] == [], command
        assert "--json" in said, command


def test_a_database_that_is_down_is_exit_code_3_and_one_sentence(cut_off: Operator, tmp_path: Path) -> None:
    file = tmp_path / "payout.csv"
    file.write_text("bob,1.00\n")
    arguments = {**ARGUMENTS, "money payout": f"{file} --yes --from alice"}
    for group, command in COMMANDS:
        told = cut_off.is_refused(f"{group} {command} {arguments.get(f'{group} {command}', '')}", code=3)
        assert told.startswith("The database cannot be reached ("), command
        assert told.endswith("Check that PostgreSQL runs and that DATABASE_URL is right. Try again."), command


def test_an_error_of_a_database_url_names_the_file_and_line_it_is_from(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# Of last year.\nDATABASE_URL=postgresql:///wave?host=/nowhere\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "PAYMENT_SYSTEM_"))}
    command = [sys.executable, "-m", "flask", "--app", "app.commands.program", "ledger", "verify"]
    done = subprocess.run(command, cwd=tmp_path, env={**kept, "PYTHONPATH": str(CHECKOUT)}, check=False, capture_output=True, text=True)
    assert done.returncode == 3
    assert done.stderr.startswith(f"Error: {file}, line 2: The database cannot be reached ("), done.stderr


def test_the_api_can_be_exported_without_a_database(cut_off: Operator) -> None:
    assert "type Query" in cut_off.says("schema export")


def test_wallets_that_are_too_busy_are_exit_code_3(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_arguments: object, **_named: object) -> None:
        raise ConflictRetryError

    monkeypatch.setattr("app.commands.command_context.transact", busy)
    assert operator.is_refused("users list", code=3) == "The database is too busy and nothing was changed. Try again."


def test_a_bug_keeps_its_traceback(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object, **_named: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("app.commands.command_context.transact", broken)
    assert isinstance(operator.run("users list").exception, ZeroDivisionError)


def test_a_bug_in_a_statement_keeps_its_traceback_too(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.commands.ledger.core.trial_balance", lambda session, _currency: session.execute(text("SELECT 1 / 0")))
    assert isinstance(operator.run("ledger trial-balance").exception, DBAPIError)


def test_an_unknown_command_is_wrong_usage(operator: Operator) -> None:
    assert operator.run("users destroy").exit_code == 2


def test_columns_are_aligned_for_names_of_any_script() -> None:
    rows = [("ann", "Ann", "1.00"), ("hiro", "田中", "10.00"), ("elif", "E\u0301lif", "5.00")]
    assert table(("USER", "NAME", "HOLDS"), rows, right=(2,)).splitlines() == [
        "USER  NAME  HOLDS",
        "ann   Ann    1.00",
        "hiro  田中  10.00",
        "elif  E\u0301lif   5.00",
    ]
