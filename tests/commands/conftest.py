"""Owns the fixtures of the command tests: running a command in this process, and a database without migrations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result
    from flask import Flask
    from flask.testing import FlaskCliRunner

    from tests.conftest import Database


class Operator:
    """Runs commands without a terminal. The input is given with the command."""

    def __init__(self, runner: FlaskCliRunner) -> None:
        self.runner = runner

    def run(self, command: str, *more: str, typed: str | None = None) -> Result:
        """Run `command`, split at spaces, with the arguments `more` added unchanged."""
        return self.runner.invoke(args=[*command.split(), *more], input=typed)

    def says(self, command: str, *more: str, typed: str | None = None) -> str:
        """The output of a command that succeeds."""
        result = self.run(command, *more, typed=typed)
        assert (result.exit_code, result.exception) == (0, None), result.output
        return result.stdout

    def json(self, command: str, *more: str) -> Any:
        """The output of a command that succeeds, with --json, as data."""
        return json.loads(self.says(command, *more, "--json"))

    def is_refused(self, command: str, *more: str, code: int, typed: str | None = None) -> str:
        """The only line on standard error of a command that fails with this exit code."""
        result = self.run(command, *more, typed=typed)
        assert (result.exit_code, result.stdout) == (code, ""), result.output
        assert isinstance(result.exception, SystemExit)
        told = [line for line in result.stderr.splitlines() if not line.startswith(("Id: ", "Usage: ", "Try "))]
        sentences = [line for line in told if line]
        assert len(sentences) == 1, result.stderr
        return sentences[0].removeprefix("Error: ")


@pytest.fixture
def operator(app: Flask) -> Operator:
    """An operator of the application with the test's database."""
    return Operator(app.test_cli_runner())


@pytest.fixture
def bare_database(database: Database) -> Iterator[Database]:
    """A database before its first migration."""
    name = f"bare_{uuid4().hex[:12]}"
    database.execute(f"CREATE DATABASE {name} OWNER payment_system_owner")
    yield type(database)(name)
    database.execute(f"DROP DATABASE {name} WITH (FORCE)")
