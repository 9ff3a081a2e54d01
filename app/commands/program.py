"""Owns how the `flask` program finds the application: FLASK_APP names this module, so that a wrong setting is a sentence."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from dotenv import dotenv_values

from app.commands.audit import log_to_system
from app.commands.exit_codes import ExitCode
from app.devdb.note import read_note
from app.errors import SettingError

if TYPE_CHECKING:
    from flask import Flask


def create_app() -> Flask:
    """The application; when a setting is wrong, the end of the process with a sentence and not with a traceback."""
    # The one import that points up: `flask` starts here, above everything, and nothing imports this module.
    import app

    if not os.environ.get("DATABASE_URL", "").strip() and not (dotenv_values(".env").get("DATABASE_URL") or "").strip():
        # The settings of the `make run` that runs here, if one does; what the environment says of the others stays.
        os.environ.update({**read_note(), **{name: value for name, value in os.environ.items() if value.strip()}})
    log_to_system()
    try:
        return app.create_app()
    except SettingError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(ExitCode.BAD_INPUT) from None
