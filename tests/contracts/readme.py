"""Owns the generated tables of the docs: settings, commands, and the variables of Ansible's roles.

`make readme` writes them, and a test compares them.
"""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import click
import yaml

from app import create_app
from app.settings import Settings, load_settings, setting_name

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
SETTINGS_PAGE, OPERATOR_PAGE = ROOT / "docs/settings.md", ROOT / "docs/operator.md"
ROLES = sorted(path.parent.parent for path in ROOT.glob("ansible/roles/*/meta/argument_specs.yml"))
OURS = ("users", "money", "ledger", "db", "schema")


def settings_table() -> str:
    """A row for each field of Settings."""
    rows = [f"| `{setting_name(each.name, each.metadata['name'])}` | {each.metadata['default'] or '–'} | {each.metadata['about']} |"
            for each in fields(Settings)]
    return "\n".join(["| setting | default | |", "|---|---|---|", *rows])


def commands_table() -> str:
    """A row for each of the operator's commands: its name, arguments, and the first sentence of its help."""
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


def role_readme(role: Path) -> str:
    """The README of a role: its purpose, and a row for each variable."""
    spec = yaml.safe_load((role / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]
    title = f"# {role.name}\n\n{spec['short_description']}.\n"
    rows = [f"| `{name}` | {_default(each)} | {each['description']} |" for name, each in spec.get("options", {}).items()]
    if not rows:
        return f"{title}\nIt has no variables of its own.\n"
    return "\n".join([title, "| variable | default | |", "|---|---|---|", *rows, ""])


def _default(option: dict[str, object]) -> str:
    default = option.get("default", "–")
    return "" if default == "" else f"`{default}`"


def with_table(page: Path) -> str:
    """The page with its current table."""
    name, table = {SETTINGS_PAGE: ("settings", settings_table), OPERATOR_PAGE: ("commands", commands_table)}[page]
    pattern = rf"(<!-- {name}: made by `make readme` -->\n).*?(<!-- end of {name} -->)"
    return re.sub(pattern, lambda found: f"{found[1]}{table()}\n{found[2]}", page.read_text(encoding="utf-8"), flags=re.DOTALL)


if __name__ == "__main__":
    for page in (SETTINGS_PAGE, OPERATOR_PAGE):
        page.write_text(with_table(page), encoding="utf-8")
    for each in ROLES:
        (each / "README.md").write_text(role_readme(each), encoding="utf-8")
