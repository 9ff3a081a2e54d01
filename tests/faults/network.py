"""Owns a network of its own for a program, with one cable to this machine that can be cut. Linux, and root, alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

# Of the block for tests of networks, which nobody's network is in. Source: RFC 2544, appendix C.2.2.
BLOCK: Final = IPv4Network("198.18.0.0/15")
PREFIX: Final = 30
# Packets vanish, as when a cable is out; or each is answered with an end of the connection, as by a firewall that was just changed.
Cut = Literal["drop", "reset"]
RULES: Final = {"drop": "drop", "reset": "meta l4proto tcp reject with tcp reset"}


def why_not() -> str | None:
    """Why this machine cannot have such a network; None when it can."""
    if os.geteuid() != 0:
        return "networks that can be cut need root"
    missing = [each for each in ("ip", "nft") if shutil.which(each) is None]
    return f"networks that can be cut need {missing[0]}: on Debian, apt-get install iproute2 nftables" if missing else None


class Network:
    """A network namespace; programs in it reach this machine at `here` and nothing else."""

    def __init__(self) -> None:
        # Tests run side by side, so each process has networks of its own.
        number = os.getpid() % 2 ** (PREFIX - BLOCK.prefixlen)
        self.addresses = IPv4Network((int(BLOCK.network_address) + 4 * number, PREFIX))
        here, there = self.addresses.hosts()
        self.here = str(here)
        self.name = f"wave-faults-{number}"
        cable, end = f"wave{number}a", f"wave{number}b"
        self._cable = cable
        _run("ip", "netns", "add", self.name)
        _run("ip", "link", "add", cable, "type", "veth", "peer", "name", end, "netns", self.name)
        _run("ip", "address", "add", f"{here}/{PREFIX}", "dev", cable)
        _run("ip", "link", "set", cable, "up")
        for command in (("address", "add", f"{there}/{PREFIX}", "dev", end), ("link", "set", end, "up"), ("link", "set", "lo", "up")):
            _run("ip", "-netns", self.name, *command)

    @property
    def prefix(self) -> list[str]:
        """What runs a program in it."""
        return ["ip", "netns", "exec", self.name]

    @contextmanager
    def cut(self, way: Cut) -> Iterator[None]:
        """The cable is cut until the context ends."""
        chains = "".join(f"chain {hook} {{ type filter hook {hook} priority 0; {RULES[way]}; }}; " for hook in ("input", "output"))
        _run(*self.prefix, "nft", f"table inet cut {{ {chains}}}")
        try:
            yield
        finally:
            _run(*self.prefix, "nft", "delete table inet cut")

    def close(self) -> None:
        """Remove it; the cable goes with it."""
        _run("ip", "link", "delete", self._cable)
        _run("ip", "netns", "delete", self.name)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
