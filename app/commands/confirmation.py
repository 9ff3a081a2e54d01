"""Owns the question that a command asks at a terminal before it does something that cannot be undone."""

from __future__ import annotations

import sys

import click

from app.commands.exit_codes import ExitCode
from app.errors import InvalidInputError


def must_ask(*, yes: bool) -> bool:
    """Whether the command has to ask for confirmation.

    Args:
        yes: whether the option --yes was given.

    Raises: InvalidInputError without --yes and without a terminal to ask at.
    """
    if not yes and not sys.stdin.isatty():
        raise InvalidInputError(user_message="Nobody is here to ask. Add --yes to do it without a question.")
    return not yes


def confirm(question: str, *, declined: str) -> None:
    """Ask, and return if the answer is yes. Any other answer ends the command.

    Args:
        declined: the message after any other answer.
    """
    if not click.confirm(question, default=False, err=True):
        click.echo(declined, err=True)
        click.get_current_context().exit(ExitCode.NO)
