"""Owns what the tests of the commands share: running a command in this process, and a database before its first migration."""

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
    """Somebody at a terminal without a keyboard: what they type is given with the command."""

    def __init__(self, runner: FlaskCliRunner) -> None:
        self.runner = runner

    def run(self, command: str, *more: str, typed: str | None = None) -> Result:
        """Run `command`, split at its spaces, then `more` as they are."""
        return self.runner.invoke(args=[*command.split(), *more], input=typed)

    def says(self, command: str, *more: str, typed: str | None = None) -> str:
        """What a command that succeeds prints."""
        result = self.run(command, *more, typed=typed)
        assert (result.exit_code, result.exception) == (0, None), result.output
        return result.stdout

    def json(self, command: str, *more: str) -> Any:
        """The same as data."""
        return json.loads(self.says(command, *more, "--json"))

    def is_refused(self, command: str, *more: str, code: int, typed: str | None = None) -> str:
        """The one line on standard error of a command that fails with this exit code and prints nothing else."""
        result = self.run(command, *more, typed=typed)
        assert (result.exit_code, result.stdout) == (code, ""), result.output
        assert isinstance(result.exception, SystemExit)
        told = [line for line in result.stderr.splitlines() if not line.startswith(("Id: ", "Usage: ", "Try "))]
        sentences = [line for line in told if line]
        assert len(sentences) == 1, result.stderr
        return sentences[0].removeprefix("Error: ")


@pytest.fixture
def operator(app: Flask) -> Operator:
    """The operator of the whole application, on the test's own database."""
    return Operator(app.test_cli_runner())


@pytest.fixture
def bare_database(database: Database) -> Iterator[Database]:
    """A database before its first migration."""
    name = f"bare_{uuid4().hex[:12]}"
    database.execute(f"CREATE DATABASE {name} OWNER payment_system_owner")
    yield type(database)(name)
    database.execute(f"DROP DATABASE {name} WITH (FORCE)")
