"""Owns which variables there are, those that the roles name, and which values they may have. Who misspells one is told the nearest.

There is no list beside the roles' own files: `meta/argument_specs.yml`, `defaults`, `vars`, and `group_vars/all.yml`.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from ansible.plugins.action import ActionBase

if TYPE_CHECKING:
    from collections.abc import Iterable

# What holds the roles: this file is in it, in a checkout and in an installed collection.
FOLDER: Final = Path(__file__).parents[2]
PREFIX: Final = "payment_system_"
# Of a name without a prefix of ours: so much of it has to agree before it is taken for one of ours.
SURELY_OURS: Final = 0.87


class ActionModule(ActionBase):  # type: ignore[misc] # ansible ships no types
    """The action `check_variables: {given: [NAME…], rules: [RULE…], values: [VALUE…]}`. It runs here, asks no host and changes nothing.

    It is no filter: a collection's roles find its actions by their short names, but not its filters.
    """

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """What cannot be used: `misspelt` and `unusable`, each as the function of that name tells it."""
        super().run(tmp, task_vars)
        _, asked = self.validate_argument_spec({
            "given": {"type": "list", "elements": "str", "required": True},
            "rules": {"type": "list", "elements": "dict", "required": True},
            "values": {"type": "list", "elements": "raw", "required": True},
        })
        found = {"misspelt": misspelt(asked["given"], str(FOLDER)), "unusable": unusable(asked["rules"], asked["values"])}
        return {**found, "changed": False}


def misspelt(given: Iterable[str], ansible_folder: str) -> list[dict[str, str]]:
    """Those of the given variables that look like ours and are none, each as {name, nearest}; nearest is empty when none is near."""
    folder = Path(ansible_folder)
    own, public = _own(folder), public_variables(folder)
    prefixes = (PREFIX, *(f"{role.name}_" for role in _roles(folder)))
    found = []
    for name in sorted({*given} - own - public):
        if name.startswith(prefixes):
            found.append({"name": name, "nearest": _nearest(name, public)})
        elif not name.startswith("ansible_") and (nearest := _nearest(name, public, cutoff=SURELY_OURS)):
            found.append({"name": name, "nearest": nearest})
    return found


def unusable(rules: Iterable[dict[str, str]], values: Iterable[object]) -> list[dict[str, str]]:
    """The rules that are broken, each as {name, value, cure}.

    Args:
        rules: each as {name, pattern, cure}; the whole value has to match the pattern.
        values: of the same variables, in the same order.
    """
    return [
        {"name": rule["name"], "value": str(value), "cure": rule["cure"]}
        for rule, value in zip(rules, values, strict=True) if not re.fullmatch(rule["pattern"], str(value))
    ]


def public_variables(folder: Path) -> set[str]:
    """What an operator may set: what the roles describe, less what our own playbooks set for all of them."""
    described: set[str] = set()
    for role in _roles(folder):
        specs = _read(role / "meta/argument_specs.yml").get("argument_specs", {})
        described.update(*(spec.get("options", {}) for spec in specs.values()))
    return described - {*_read(folder / "group_vars/all.yml")}


def _own(folder: Path) -> set[str]:
    """What our own files set."""
    files = [folder / "group_vars/all.yml"]
    files += [path for role in _roles(folder) for place in ("defaults", "vars") for path in (role / place).glob("*.yml")]
    return {name for path in files for name in _read(path)}


def _roles(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "roles").iterdir() if path.is_dir())


def _read(path: Path) -> dict[str, Any]:
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}


def _nearest(name: str, names: Iterable[str], cutoff: float = 0.6) -> str:
    return next(iter(get_close_matches(name, sorted(names), n=1, cutoff=cutoff)), "")
