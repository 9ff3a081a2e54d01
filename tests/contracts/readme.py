"""Owns the tables of README.md that are made from the code: settings and commands. `make readme` writes them, a test compares."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app import create_app
from app.settings import Settings, load_settings, setting_name

if TYPE_CHECKING:
    from collections.abc import Iterator

README = Path(__file__).parent.parent.parent / "README.md"
OURS = ("users", "money", "ledger", "db", "schema")


def settings_table() -> str:
    """A row for each field of Settings."""
    rows = [f"| `{setting_name(each.name, each.metadata['name'])}` | {each.metadata['default'] or '–'} | {each.metadata['about']} |"
            for each in fields(Settings)]
    return "\n".join(["| setting | default | |", "|---|---|---|", *rows])


def commands_table() -> str:
    """A row for each of the operator's commands: how it is called, and the first sentence of its help."""
    app = create_app(load_settings({"DATABASE_URL": "postgresql://nobody@/nowhere"}))
    rows = [row for name in OURS for row in _rows(name, app.cli.commands[name])]
    return "\n".join(["| command | what it does |", "|---|---|", *rows])


def _rows(prefix: str, command: click.Command) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from _rows(f"{prefix} {name}", each)
        return
    arguments = "".join(f" {each.make_metavar(click.Context(command))}" for each in command.params if isinstance(each, click.Argument))
    yield f"| `{prefix}{arguments}` | {command.get_short_help_str(limit=200).rstrip('.')} |"


def written() -> str:
    """README.md as it should be now."""
    text = README.read_text(encoding="utf-8")
    for name, table in (("settings", settings_table()), ("commands", commands_table())):
        pattern = rf"(<!-- {name}: made by `make readme` -->\n).*?(<!-- end of {name} -->)"
        text = re.sub(pattern, lambda found, table=table: f"{found[1]}{table}\n{found[2]}", text, flags=re.DOTALL)  # type: ignore[misc] # bound
    return text


if __name__ == "__main__":
    README.write_text(written(), encoding="utf-8")
