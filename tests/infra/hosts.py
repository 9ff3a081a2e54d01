"""Owns test hosts: bare Debian machines with systemd on a network of their own, over real SSH. Knows nothing of what they are for."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

RELEASES: Final = ("debian-12", "debian-13")
CONTAINERS: Final = Path(__file__).parents[2] / "containers" / "host"
PODMAN: Final = str(CONTAINERS / "podman")
# It takes a second; more than this is stuck.
BOOT_SECONDS: Final = 60
CANNOT_RUN_HOSTS: Final = 2
# The first is the network itself, the second its gateway: this machine.
FIRST_HOST: Final = 1
# What a machine of one's own would let root do, less what would reach the machine under the test: its clock, kernel modules and devices.
RIGHTS: Final = (
    "--cap-add=all", "--cap-drop=sys_time,sys_module,sys_boot,sys_rawio,syslog", "--security-opt=seccomp=unconfined", "--systemd=always",
)
# Debian 13's systemd starts on the older cgroups of some machines only when told so; elsewhere, and on Debian 12, it means nothing.
INIT: Final = ("/sbin/init", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1")


class NoHostsError(Exception):
    """This machine cannot run test hosts; the message says why in one sentence."""


@dataclass(frozen=True)
class Host:
    """One running host, with root's key."""

    name: str
    release: str
    address: str
    container: str
    folder: Path
    port: int = 22
    user: str = "root"

    @property
    def key(self) -> Path:
        return self.folder / "key"

    @property
    def ssh_options(self) -> tuple[str, ...]:
        """This run's own key and known hosts, whatever this machine's settings say."""
        return ("-F", "none", "-o", f"UserKnownHostsFile={self.folder}/known_hosts", "-o", "StrictHostKeyChecking=accept-new",
                "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes")

    @property
    def inventory_line(self) -> str:
        """The line of an Ansible inventory that reaches this host."""
        return (f"{self.name} ansible_host={self.address} ansible_port={self.port} ansible_user={self.user} "
                f"ansible_ssh_private_key_file={self.key} ansible_ssh_common_args='{' '.join(self.ssh_options)}'")

    def ssh(self, command: str) -> list[str]:
        """The program and arguments that run `command` on the host, for those who start it themselves."""
        return ["ssh", "-q", *self.ssh_options, "-i", str(self.key), "-p", str(self.port), f"{self.user}@{self.address}", "--", command]

    def run(self, command: str, *, given: str = "", check: bool = True, timeout_seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """What became of `command` on the host, with `given` as its input. Fails with the host's own words, unless check is False."""
        program, *rest = self.ssh(command)
        done = subprocess.run([program, *self._kept_open, *rest], input=given, capture_output=True, text=True, check=False,
                              timeout=timeout_seconds)
        assert not check or done.returncode == 0, f"{self.name}: {command!r} ended with {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    @property
    def _kept_open(self) -> tuple[str, ...]:
        """One connection for all commands: each new one costs more than most commands. Source: ssh_config(5), ControlMaster."""
        return ("-o", "ControlMaster=auto", "-o", f"ControlPath={self.folder}/{self.name}.ssh", "-o", "ControlPersist=60")

    def _hang_up(self) -> None:
        """End that connection, if there is one: the host that answers next is another."""
        program, *rest = self.ssh("")
        subprocess.run([program, *self._kept_open, "-O", "exit", *rest[:-2]], stderr=subprocess.DEVNULL, check=False)

    def reboot(self) -> None:
        """Shut down in order, start again, and return when all services are up. Its files, address and keys stay."""
        self._hang_up()
        podman("stop", "--time", str(BOOT_SECONDS), self.container)
        self.boot()

    def cut_power(self) -> None:
        """End everything on the host at once, start it again, and return when all services are up."""
        self._hang_up()
        podman("kill", self.container)
        podman("wait", self.container)
        self.boot()

    def boot(self) -> None:
        """Start it; returns when its systemd says that everything it starts is up, the SSH server with it."""
        podman("start", self.container)
        program, *rest = self.ssh("systemctl is-system-running --wait")
        # SSH tries again each second until somebody listens.
        done = subprocess.run([program, "-o", f"ConnectionAttempts={BOOT_SECONDS}", *rest], capture_output=True, text=True, check=False,
                              timeout=2 * BOOT_SECONDS)
        assert done.stdout.strip() == "running", f"{self.name} has booted to: {done.stdout}{done.stderr}"


@dataclass
class Hosts:
    """The hosts on one network. What they are is kept in the folder, so that another process can end them."""

    folder: Path
    network: str
    subnet: IPv4Network
    started: list[Host] = field(default_factory=list)

    def start(self, release: str, name: str | None = None) -> Host:
        """A bare host of this release that has booted and answers over SSH, reached from the other hosts by name."""
        name = name or release
        address = next(islice(self.subnet.hosts(), FIRST_HOST + len(self.started), None))
        # Like a real one's, its card keeps its number over a reboot: others would send to the one they know for up to a minute.
        card = f"02:00:{address.packed.hex(':')}"
        network = f"{self.network}:ip={address},mac={card},alias={name}"
        container = podman("create", *RIGHTS, "--sdnotify=ignore", "--hostname", name, "--network", network,
                           f"localhost/wave-host:{release}", *INIT)
        podman("cp", str(self.folder / "key.pub"), f"{container}:/root/.ssh/authorized_keys")
        host = Host(name=name, release=release, address=str(address), container=container, folder=self.folder)
        host.boot()
        self.started.append(host)
        self._write_inventory()
        return host

    @property
    def inventory(self) -> Path:
        """An inventory with every host that was started, in the group of the example's."""
        return self.folder / "inventory.ini"

    def _write_inventory(self) -> None:
        self.inventory.write_text("".join(f"{line}\n" for line in ("[wallet]", *(host.inventory_line for host in self.started))))


@contextmanager
def hosts() -> Iterator[Hosts]:
    """A network for hosts; it and all that was started on it is gone afterwards, also when the block fails.

    Raises:
        NoHostsError: this machine cannot run them.
    """
    build()
    _remove_left_overs()
    # The path of the socket in it may have 107 characters, so it is not in a test's own folder.
    with tempfile.TemporaryDirectory(prefix="wave-hosts-") as folder:
        opened = open_network(Path(folder), label=f"wave-hosts={os.getpid()}")
        try:
            yield opened
        finally:
            close_network(opened.network)


def build() -> None:
    """Bring the images up to date; a second or two when they are.

    Raises:
        NoHostsError: this machine cannot run hosts.
    """
    built = subprocess.run([str(CONTAINERS / "build")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if built.returncode == CANNOT_RUN_HOSTS:
        raise NoHostsError(built.stdout.strip().splitlines()[-1])
    assert built.returncode == 0, built.stdout


def open_network(folder: Path, *, label: str = "wave-hosts=by-hand") -> Hosts:
    """A network without hosts, and in the folder its id and the key that its hosts will take."""
    key = str(folder / "key")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", key], check=True, stdin=subprocess.DEVNULL)
    network = f"wave-hosts-{os.urandom(4).hex()}"
    podman("network", "create", "--label", label, network)
    (folder / "network").write_text(network)
    described = json.loads(podman("network", "inspect", network))[0]
    return Hosts(folder, network, IPv4Network(described["subnets"][0]["subnet"]))


def close_network(network: str) -> None:
    """End the hosts on this network, then the network. One that is gone already is no error."""
    ids = podman("ps", "--all", "--quiet", "--no-trunc", "--filter", f"network={network}").split()
    if ids:
        podman("rm", "--force", "--ignore", "--volumes", "--time", "0", *ids)
    # Another worker may remove the same one at this moment.
    done = subprocess.run([PODMAN, "network", "rm", network], capture_output=True, text=True, check=False)
    assert network not in podman("network", "ls", "--quiet").split(), done.stderr


def _remove_left_overs() -> None:
    """Hosts of runs that were killed, and so could not remove them."""
    listed = json.loads(podman("network", "ls", "--format", "json", "--filter", "label=wave-hosts"))
    for network in listed:
        owner = network["labels"]["wave-hosts"]
        if owner.isdigit() and not Path("/proc", owner).exists():
            close_network(network["name"])


def podman(*arguments: str) -> str:
    """What podman prints. Fails with podman's own words."""
    done = subprocess.run([PODMAN, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"podman {arguments[0]}: {done.stderr}"
    return done.stdout.strip()


def main() -> int:
    """Start hosts that stay, or stop them; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.infra.hosts", description="Test hosts to try things on by hand.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    start = verbs.add_parser("start", help="start hosts, and write FOLDER/inventory.ini")
    start.add_argument("folder", type=Path, help="an empty or new folder")
    start.add_argument("hosts", nargs="+", metavar="[NAME=]RELEASE", help=f"{' or '.join(RELEASES)}")
    verbs.add_parser("stop", help="stop the hosts that were started with this folder").add_argument("folder", type=Path)
    chosen = parser.parse_args()
    if chosen.verb == "stop":
        close_network((chosen.folder / "network").read_text())
        return 0
    try:
        build()
    except NoHostsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - for people
        return CANNOT_RUN_HOSTS
    chosen.folder.mkdir(parents=True, exist_ok=True)
    opened = open_network(chosen.folder.resolve())
    for each in chosen.hosts:
        name, _, release = each.rpartition("=")
        host = opened.start(release, name or None)
        print(" ".join(host.ssh("")[:-2]))  # noqa: T201 - as above
    print(opened.inventory)  # noqa: T201 - as above
    return 0


if __name__ == "__main__":
    sys.exit(main())
