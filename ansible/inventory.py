"""Owns what the operator's inventory says, in whatever form it is written: its hosts, and how ssh reaches one."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any


class NoHostError(Exception):
    """The inventory names no host, or cannot be read; the sentence says what to do."""


def hosts_of(inventory: str, *limit: str) -> dict[str, dict[str, Any]]:
    """The hosts by name, each with its variables.

    Args:
        limit: options that leave some of them out, as ansible-playbook takes them.

    Raises: NoHostError.
    """
    program = shutil.which("ansible-inventory") or "ansible-inventory"
    environment = {**os.environ, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
    command = [program, "--inventory", inventory, "--list", *limit]
    listed = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if listed.returncode:
        raise NoHostError(f"{Path(inventory).name} cannot be read: {' '.join(listed.stderr.split())}")
    found: dict[str, Any] = json.loads(listed.stdout)
    hosts: dict[str, dict[str, Any]] = found.pop("_meta")["hostvars"]
    # A host without a variable is in its groups alone.
    names = {name for group in found.values() for name in group.get("hosts", [])}
    if not names:
        raise NoHostError(f"{Path(inventory).name} names no host: write one into it, as inventory.example.ini does.")
    return {name: hosts.get(name, {}) for name in sorted(names)}


def ssh_command(name: str, facts: dict[str, Any]) -> list[str]:
    """Source: Ansible's documentation, ansible.builtin.ssh connection."""
    options = shlex.split(str(facts.get("ansible_ssh_common_args", "")))
    for fact, option in (("ansible_port", "-p"), ("ansible_user", "-l"), ("ansible_ssh_private_key_file", "-i")):
        if fact in facts:
            options += [option, str(facts[fact])]
    return ["ssh", *options, str(facts.get("ansible_host", name))]
