"""Owns the question that a command asks at a terminal before it does what cannot be undone."""

from __future__ import annotations

import sys

import click

from app.commands.exit_codes import ExitCode
from app.errors import InvalidInputError


def can_ask(*, yes: bool) -> bool:
    """Whether somebody is to be asked, and can be.

    Args:
        yes: the answer was given beforehand.

    Raises: InvalidInputError when nobody can be asked and nobody has answered.
    """
    if not yes and not sys.stdin.isatty():
        raise InvalidInputError(user_message="Nobody is here to ask. Add --yes to do it without a question.")
    return not yes


def confirm(question: str, *, declined: str) -> None:
    """Ask, and return when the answer is yes. Any other answer ends the command.

    Args:
        declined: what is told then.
    """
    if not click.confirm(question, default=False, err=True):
        click.echo(declined, err=True)
        click.get_current_context().exit(ExitCode.NO)
