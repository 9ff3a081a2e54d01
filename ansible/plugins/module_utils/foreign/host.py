"""Owns asking a host: what its programs say, which files a deploy wrote, and who listens where."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LED_BY_A_RELEASE: Final = "/opt/payment-system/current/"
SERVICE: Final = re.compile(r"/([^/\n]+\.(?:service|socket|scope))(?:/|$)", re.MULTILINE)
PROCESS: Final = re.compile(r'\("([^"]+)",pid=(\d+)')


@dataclass(frozen=True)
class Listener:
    """A program that answers at an address. Without a process it is the kernel, as for WireGuard."""

    protocol: str
    address: str
    port: int
    program: str
    unit: str

    @property
    def is_public(self) -> bool:
        """Whether another host may reach it, were it not for a firewall."""
        return not re.match(r"127\.|\[::1\]|\[::ffff:127\.", self.address)


def said(*command: str) -> str:
    """What a program prints; nothing when it is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace", env={**os.environ, "LC_ALL": "C"})
    except FileNotFoundError:
        return ""
    return done.stdout


def is_from_a_deploy(path: Path, mark: str) -> bool:
    """Whether a deploy wrote it: a link to a file of the release that serves, or a file with the mark of those that deploys write.

    Args:
        mark: a pattern of a line in it.
    """
    if path.is_symlink():
        return str(path.readlink()).startswith(LED_BY_A_RELEASE)
    return path.is_file() and bool(re.search(mark, path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE))


def is_there(path: Path) -> bool:
    """Whether there is anything of that name, be it a link that leads nowhere."""
    return path.is_symlink() or path.exists()


def listeners() -> list[Listener]:
    """Who answers where, each program once for each address."""
    return [each for line in said("ss", "--listening", "--tcp", "--udp", "--numeric", "--processes", "--no-header").splitlines()
            if (each := _listener(line))]


def unit_of(process: str) -> str:
    """The unit of systemd's that a process belongs to."""
    try:
        groups = Path("/proc", process, "cgroup").read_text(encoding="utf-8")
    except OSError:  # it has ended meanwhile
        return ""
    named = SERVICE.findall(groups)
    return str(named[-1]) if named else ""


def _listener(line: str) -> Listener | None:
    protocol, _, _, _, local, *rest = line.split()
    address, _, port = local.rpartition(":")
    program = PROCESS.search(" ".join(rest))
    if not port.isdigit():
        return None
    return Listener(protocol, address, int(port), program[1] if program else "", unit_of(program[2]) if program else "")
