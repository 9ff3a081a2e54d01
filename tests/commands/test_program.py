"""The commands as the operator runs them: by the `flask` program, in their own process, at a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app import identity
from app.commands import program
from app.commands.exit_codes import ExitCode
from app.database import transact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.database import Sessions
    from tests.conftest import Database

CHECKOUT = Path(__file__).parents[2]
LIMIT_SECONDS = 60
NEW_PASSWORD = "another long test phrase"


@pytest.fixture
def environment(database: Database) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PAYMENT_SYSTEM_", "FLASK_", "DATABASE_"))}
    return {**ours, "DATABASE_URL": database.app_url, "DATABASE_OWNER_URL": database.owner_url}


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """A pseudo-terminal: our end and the end of the program."""
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def _program(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name("flask")), *arguments]


def _run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _program(*arguments), cwd=CHECKOUT, env=environment, check=False, capture_output=True, text=True, timeout=LIMIT_SECONDS,
    )


def test_the_flask_program_runs_a_command_from_the_checkout(environment: dict[str, str], viewer: Any) -> None:
    viewer("alice")
    done = _run(environment, "users", "list")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["USERNAME", "alice"]


def test_broken_books_end_the_process_with_exit_code_1(environment: dict[str, str], viewer: Any, database: Database) -> None:
    viewer("alice")
    database.execute("UPDATE ledger.accounts SET balance = balance - 1 WHERE kind = 'issuance'")
    assert _run(environment, "ledger", "verify").returncode == 1


def test_a_wrong_setting_is_a_sentence_and_exit_code_2(environment: dict[str, str]) -> None:
    done = _run({**environment, "PAYMENT_SYSTEM_CURRENCY": "XYZZY"}, "users", "list")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: 'XYZZY' is not a currency.")
    assert done.stderr.count("\n") == 1


def test_books_in_another_currency_are_not_changed(environment: dict[str, str], viewer: Any) -> None:
    viewer("alice")
    done = _run({**environment, "PAYMENT_SYSTEM_CURRENCY": "JPY", "PAYMENT_SYSTEM_OPENING_BALANCE": "0"}, "users", "list")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: the books are in GBP, but PAYMENT_SYSTEM_CURRENCY is JPY: set it to GBP\n"


def test_the_program_finds_the_whole_application(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    monkeypatch.setenv("DATABASE_URL", database.app_url)
    assert {"users", "money", "ledger", "db", "schema"} <= set(program.create_app().cli.commands)


def test_a_wrong_setting_ends_the_program_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://somewhere")
    with pytest.raises(SystemExit) as end:
        program.create_app()
    assert end.value.code == ExitCode.BAD_INPUT
    assert capsys.readouterr().err.startswith("Error: DATABASE_URL is not an address of PostgreSQL")


def test_at_a_terminal_the_new_password_is_asked_for_twice_and_not_shown(
    environment: dict[str, str], viewer: Any, sessions: Sessions, terminal: tuple[int, int]
) -> None:
    viewer("alice")
    ours, theirs = terminal
    with subprocess.Popen(
        _program("users", "reset-password", "alice"), cwd=CHECKOUT, env=environment, stdin=theirs, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, start_new_session=True,
    ) as asking:
        assert asking.stderr is not None
        for question in (b"New password: ", b"Repeat for confirmation: "):
            # Read up to the last space: what is typed before the echo is switched off would be thrown away.
            asked = b""
            while not asked.endswith(question):
                byte = asking.stderr.read(1)
                assert byte, asked
                asked += byte
            os.write(ours, NEW_PASSWORD.encode() + b"\n")
        said, _ = asking.communicate(timeout=LIMIT_SECONDS)
    assert (asking.returncode, said) == (0, b"alice has a new password. Ended 1 login.\n")
    transact(sessions, lambda session: identity.check_credentials(session, username="alice", password=NEW_PASSWORD))


def test_at_a_terminal_verify_shows_its_progress(
    environment: dict[str, str], terminal: tuple[int, int]
) -> None:
    ours, theirs = terminal
    done = subprocess.run(
        _program("ledger", "verify"), cwd=CHECKOUT, env=environment, check=False, stdout=subprocess.PIPE, stderr=theirs,
        timeout=LIMIT_SECONDS,
    )
    assert done.returncode == 0
    assert b"\r\x1b[KChecking 2 of 12: every balance equals the sum of its account's entries" in os.read(ours, 10_000)
