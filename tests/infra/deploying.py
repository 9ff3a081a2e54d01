"""Owns a deployment in the tests: what an operator types, against test hosts, and further releases on them."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.infra.hosts import Host, Hosts

ROOT: Final = Path(__file__).parents[2]
PLAY_SECONDS: Final = 900
# Customers of the tests come from one address, which the proxy would tell to wait.
VARIABLES: Final = "[wallet:vars]\nproxy_requests_per_second=5000\nproxy_requests_burst=1000\n"
INCOMING: Final = "/opt/payment-system/incoming"
# Prints that of the release that serves, as it was sent.
CONFIGURATION: Final = """
import json, pathlib
release = pathlib.Path("/opt/payment-system/current").resolve()
found = {str(path.relative_to(release)): path.read_text() for path in release.glob("host/**/*") if path.is_file()}
found[".env"] = "".join(line for line in open(release / ".env") if "RELEASE_ID" not in line)
print(json.dumps(found))
"""
LOCK: Final = "/run/payment-system-release.lock"
INSTALL: Final = "payment-system-release install --keep=5 --by=tests"
CHANGED: Final = re.compile(r"^(\S+) +: ok=.* changed=(\d+) ", re.MULTILINE)


@dataclass(frozen=True)
class Played:
    """What came of it."""

    output: str
    exit_status: int
    seconds: float

    @property
    def changed(self) -> dict[str, int]:
        """How many tasks changed something, by host."""
        return {host: int(count) for host, count in CHANGED.findall(self.output)}

    @property
    def told(self) -> str:
        """What was said, without the line breaks that Ansible puts into it."""
        return " ".join(self.output.split())


def inventory_of(network: Hosts, *lines: str) -> Path:
    """An inventory of these lines, each a host, or of the hosts that are called after their release."""
    path = network.folder / "deploy.ini"
    lines = lines or tuple(host.inventory_line for host in network.started if host.name == host.release)
    path.write_text("\n".join(("[wallet]", *lines, VARIABLES)))
    return path


def operator_environment() -> dict[str, str]:
    """What the operator's shell has: the project's programs, and no make around it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return {**kept, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1"}


def make_command(target: str, inventory: Path, *options: str) -> list[str]:
    """`make deploy` or another target, as the operator types it, with options for the playbook."""
    return ["make", "--no-print-directory", target, f"INVENTORY={inventory}", f"ARGS={shlex.join(options)}"]


def make(target: str, inventory: Path, *options: str, checkout: Path = ROOT) -> Played:
    """What comes of `make TARGET`."""
    return _played(make_command(target, inventory, *options), checkout)


def changed_checkout(folder: Path) -> Path:
    """Another checkout of the same in this folder, but for a line of the program."""
    for name in ("ansible", "app", "schema"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("Makefile", "gunicorn.conf.py", "requirements.txt", "requirements-run.txt", "requirements-dev.txt"):
        shutil.copy2(ROOT / name, folder / name)
    (ROOT / ".build").mkdir(exist_ok=True)
    for name in (".venv", ".build"):
        (folder / name).symlink_to(ROOT / name)
    with (folder / "app/money.py").open("a", encoding="utf-8") as module:
        module.write("\n# One more line.\n")
    return folder


def play(playbook: str, inventory: Path, *options: str) -> Played:
    """What comes of a playbook that no target runs."""
    return _played(["ansible-playbook", "--inventory", str(inventory), playbook, *options], ROOT / "ansible")


def _played(command: list[str], folder: Path) -> Played:
    began = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=operator_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, timeout=PLAY_SECONDS)
    return Played(done.stdout, done.returncode, time.monotonic() - began)


def status(host: Host) -> dict[str, Any]:
    """What the host says of itself."""
    found = json.loads(host.run("payment-system-release status --json").stdout)
    assert isinstance(found, dict)
    return found


def sent_archives(host: Host) -> tuple[str, str]:
    """Where on the host the archives are that its last release was made of: its program and its wheels."""
    program, wheels = host.run(f"ls {INCOMING}/program*.gz {INCOMING}/wheels*.tar").stdout.split()
    return program, wheels


def archives(host: Host) -> str:
    """The options that name both."""
    program, wheels = sent_archives(host)
    return f"--program={program} --wheels={wheels}"


def configuration(host: Host) -> dict[str, str]:
    """The settings of the release that serves, and its files for the host, by their paths in it."""
    found = json.loads(host.run("python3 -", given=CONFIGURATION).stdout)
    assert found
    return dict(found)


def send(host: Host, settings: dict[str, str]) -> str:
    """Bring such to the host as a deploy does. Returns the option that names it."""
    host.run("cat > /root/sent.json", given=json.dumps(settings))
    return "--configuration=/root/sent.json"


def install_other(host: Host, opening_balance: str) -> str:
    """Install the same program with another setting, which is another release. Returns its id."""
    settings = configuration(host)
    settings[".env"] = re.sub("OPENING_BALANCE=.*", f"OPENING_BALANCE={opening_balance}", settings[".env"])
    made = host.run(f"{INSTALL} {archives(host)} {send(host, settings)}", timeout_seconds=PLAY_SECONDS)
    return str(json.loads(made.stdout)["release"])


def install_broken(host: Host, breaking: str, setting: str = "") -> tuple[int, str]:
    """Try to install a release that a shell command broke, in its folder. Returns the exit status and what was said at last."""
    program, wheels = sent_archives(host)
    host.run(
        "rm -rf /root/broken && mkdir /root/broken && cd /root/broken && "
        f"tar --extract --gzip --file {program} && {breaking} && tar --create --gzip --file /root/program-$(date +%s%N).tar.gz *",
    )
    program = host.run("ls -t /root/program-*.tar.gz | head -1").stdout.strip()
    settings = configuration(host)
    settings[".env"] += f"{setting}\n"
    return _refused(host, f"--program={program} --wheels={wheels} {send(host, settings)}")


def install_misled(host: Host, path: str, text: str, other: str) -> tuple[int, str]:
    """Try to install the same program with another text in one of its files for the host. Returns the same."""
    settings = configuration(host)
    assert text in settings[path]
    return _refused(host, f"{archives(host)} {send(host, {**settings, path: settings[path].replace(text, other)})}")


def _refused(host: Host, options: str) -> tuple[int, str]:
    done = host.run(f"{INSTALL} {options}", check=False, timeout_seconds=PLAY_SECONDS)
    return done.returncode, done.stderr.strip().splitlines()[-1]


def refused(done: Played) -> str:
    """What was said of a deploy that was refused before anything was changed."""
    assert done.exit_status != 0, done.output[-5000:]
    assert set(done.changed.values()) <= {0}, done.output[-5000:]
    assert "Not deployed: the cause stands above" in done.told
    assert "Traceback" not in done.output
    return done.told
