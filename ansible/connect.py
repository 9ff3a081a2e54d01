"""Owns `make ssh` and `make logs`: becomes the ssh to a host, with what Ansible would connect by. Knows only the inventory."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys


def main() -> int:
    """Connect to the chosen host, or to the only one. Returns the exit status if there is none such."""
    parser = argparse.ArgumentParser(description="Connect to a host of the inventory.")
    parser.add_argument("inventory")
    parser.add_argument("host", nargs="?", default="", help="needed only when there are several")
    parser.add_argument("--run", default="", help="a command instead of a shell")
    chosen = parser.parse_args()
    program = shutil.which("ansible-inventory") or "ansible-inventory"
    listed = subprocess.run([program, "--inventory", chosen.inventory, "--list"], stdout=subprocess.PIPE, check=True)
    hosts: dict[str, dict[str, str]] = json.loads(listed.stdout)["_meta"]["hostvars"]
    if (chosen.host or len(hosts) != 1) and chosen.host not in hosts:
        print(f"Say which host: make ssh TO={' or TO='.join(sorted(hosts)) or '…'}", file=sys.stderr)  # noqa: T201 - for people
        return 2
    name = chosen.host or next(iter(hosts))
    command = ssh_command(name, hosts[name]) + (["-t", "--", chosen.run] if chosen.run else [])
    return os.execvp(command[0], command)  # noqa: S606 - so that the terminal and its signals are ssh's


def ssh_command(name: str, facts: dict[str, str]) -> list[str]:
    """Source: Ansible's documentation, ansible.builtin.ssh connection."""
    options = shlex.split(str(facts.get("ansible_ssh_common_args", "")))
    for fact, option in (("ansible_port", "-p"), ("ansible_user", "-l"), ("ansible_ssh_private_key_file", "-i")):
        if fact in facts:
            options += [option, str(facts[fact])]
    return ["ssh", *options, str(facts.get("ansible_host", name))]


if __name__ == "__main__":
    sys.exit(main())
