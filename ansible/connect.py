"""Owns `make ssh` and `make logs`: becomes the ssh to a host, with what Ansible would connect by."""

from __future__ import annotations

import argparse
import os
import sys

from inventory import NoHostError, hosts_of, ssh_command

# What only root may see, somebody who may sudo sees, too; sudo asks for a password where it needs one.
AS_ROOT = 'if [ "$(id -u)" = 0 ]; then exec {command}; else exec sudo {command}; fi'


def main() -> int:
    """Connect to the chosen host, or to the only one. Returns the exit status if there is none such."""
    parser = argparse.ArgumentParser(description="Connect to a host of the inventory.")
    parser.add_argument("inventory")
    parser.add_argument("host", nargs="?", default="", help="needed only when there are several")
    parser.add_argument("--run", default="", help="a command instead of a shell, as root")
    chosen = parser.parse_args()
    try:
        hosts = hosts_of(chosen.inventory)
    except NoHostError as error:
        print(error, file=sys.stderr)  # noqa: T201 - for people
        return 2
    if (chosen.host or len(hosts) != 1) and chosen.host not in hosts:
        print(f"Say which host: make {'logs' if chosen.run else 'ssh'} TO={' or TO='.join(hosts)}", file=sys.stderr)  # noqa: T201 - for people
        return 2
    name = chosen.host or next(iter(hosts))
    command = ssh_command(name, hosts[name]) + (["-t", "--", AS_ROOT.format(command=chosen.run)] if chosen.run else [])
    return os.execvp(command[0], command)  # noqa: S606 - so that the terminal and its signals are ssh's


if __name__ == "__main__":
    sys.exit(main())
