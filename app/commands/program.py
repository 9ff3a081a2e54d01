"""Owns the entry of the `flask` program: FLASK_APP names this module. It reports a wrong setting as one sentence."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from dotenv import dotenv_values

from app.commands.audit import log_to_syslog
from app.commands.exit_codes import ExitCode
from app.devdb.run_file import read_run_file
from app.errors import SettingError

if TYPE_CHECKING:
    from flask import Flask


def create_app() -> Flask:
    """The application. A wrong setting ends the process with a sentence, not with a traceback."""
    # The one import that points up: `flask` starts here, and nothing imports this module.
    import app

    if not os.environ.get("DATABASE_URL", "").strip() and not (dotenv_values(".env").get("DATABASE_URL") or "").strip():
        # Use the settings of a `make run` in this checkout, if one is running. Variables of the environment win.
        os.environ.update({**read_run_file(), **{name: value for name, value in os.environ.items() if value.strip()}})
    log_to_syslog()
    try:
        return app.create_app()
    except SettingError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(ExitCode.BAD_INPUT) from None
