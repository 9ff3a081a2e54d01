"""Owns what `make deploy` and `make rollback` say before and after: which hosts are meant, and what each serves when it went wrong."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from typing import Any, Final

from inventory import NoHostError, hosts_of

PROGRAM: Final = "/usr/local/sbin/payment-system-release"
# A host that never had a deploy answers, too.
STATUS: Final = f"if test -e {PROGRAM}; then {PROGRAM} status --json; else echo null; fi"
# Options of ansible-playbook that say which hosts are meant and how they are reached; a question needs them, too.
REACHING: Final = (
    ("-l", "--limit"), ("-e", "--extra-vars"), ("-u", "--user"), ("--private-key", "--key-file"),
    ("--become-password-file", "--become-pass-file"), ("--vault-password-file", "--vault-pass-file"),
)


def main() -> int:
    """Print the hosts' names, or what each of them serves; returns the exit status."""
    parser = argparse.ArgumentParser(description="Which hosts are meant, and what they serve.", allow_abbrev=False)
    parser.add_argument("verb", choices=["hosts", "serving"])
    parser.add_argument("inventory")
    parser.add_argument("--word", default="", help="what stands before it all, such as `Not deployed`")
    parser.add_argument("--next", default="", help="what stands behind it all")
    for names in REACHING:
        parser.add_argument(*names, action="append", default=[])
    chosen, _ = parser.parse_known_args()
    reaching = [f"{names[1]}={value}" for names in REACHING for value in getattr(chosen, _field(names))]
    try:
        hosts = hosts_of(chosen.inventory, *(option for option in reaching if option.startswith("--limit=")))
    except NoHostError as error:
        print(error, file=sys.stderr)  # noqa: T201 - for people
        return 1
    if chosen.verb == "hosts":
        print(" ".join(hosts))  # noqa: T201 - for people
        return 0
    answers = ask(chosen.inventory, reaching)
    lines = [chosen.word, *(told(name, answers.get(name, {})) for name in hosts), chosen.next]
    print("\n".join(line for line in lines if line), file=sys.stderr)  # noqa: T201 - for people
    return 0


def _field(names: tuple[str, str]) -> str:
    return next(name for name in names if name.startswith("--")).removeprefix("--").replace("-", "_")


def ask(inventory: str, reaching: list[str]) -> dict[str, dict[str, Any]]:
    """What each host answers, as Ansible tells it; empty when Ansible itself does not run."""
    program = shutil.which("ansible") or "ansible"
    environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "ANSIBLE_LOAD_CALLBACK_PLUGINS": "true"}
    asked = subprocess.run(
        [program, "all", "--inventory", inventory, *reaching, "--become", "--module-name=ansible.builtin.shell", f"--args={STATUS}"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=environment,
    )
    try:
        hosts: dict[str, dict[str, Any]] = json.loads(asked.stdout)["plays"][0]["tasks"][0]["hosts"]
    except (ValueError, LookupError):
        return {}
    return hosts


def told(name: str, answer: dict[str, Any]) -> str:
    """What a host serves, in a sentence, with the next step where it does not serve."""
    if answer.get("unreachable"):
        return f"{name} cannot be reached by SSH, so what it serves is not known: `make status` asks again."
    try:
        return told_of_status(name, json.loads(answer["stdout"]))
    except (ValueError, KeyError):
        cause = " ".join(str(answer.get("msg") or answer.get("stderr") or "it said nothing").split())
        return f"{name} could not be asked what it serves ({cause}): `make status` asks again."


def told_of_status(name: str, found: dict[str, Any] | None) -> str:
    """The same of a host that answered; None without a program to ask."""
    if found is None:
        return f"{name} has never had a wallet of ours, and has none now."
    release = found["release"]
    if not release:
        return f"{name} has no release yet, so nothing serves there."
    if not found["ready"]:
        return f"{name} DOES NOT SERVE the release {release}: see `make logs TO={name}`, or `make rollback`."
    # An installer of an earlier release does not say it.
    if not found.get("reached", True):
        return f"{name} runs the release {release}, but ITS PROXY DOES NOT LEAD THERE: `make ssh TO={name}`, then `journalctl -u nginx`."
    return f"{name} was asked just now, and serves the release {release}."


if __name__ == "__main__":
    sys.exit(main())
