"""What a deploy cannot work with is told in a sentence with its cause and its cure, and a host that serves goes on serving."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.infra.deploying import inventory_of, make, refused
from tests.infra.hosts import RELEASES
from tests.infra.serving import served, still_serves

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.hosts import Host, Hosts

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]

# Returns when somebody listens, and leaves them behind.
TAKE_PORTS = """
import os, signal, socket
listening = [socket.create_server(("", port)) for port in (443, 5432)]
if os.fork():
    os._exit(0)
os.setsid()
for each in range(3):
    os.close(each)
signal.pause()
"""


@pytest.fixture(scope="module")
def bare(network: Hosts) -> Host:
    """A host that nothing is deployed to: each test takes back what it did to it."""
    return network.start(RELEASES[1], "bare")


def test_without_an_inventory_it_says_how_to_make_one(tmp_path: Path) -> None:
    done = make("deploy", tmp_path / "inventory.ini")
    assert done.exit_status != 0
    assert f"There is no {tmp_path}/inventory.ini yet: `cp inventory.example.ini" in done.output


def test_hosts_that_cannot_be_reached_or_do_not_know_the_key(network: Hosts, bare: Host, tmp_path: Path) -> None:
    nobody = str(list(network.subnet.hosts())[-1])
    key = tmp_path / "another"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True, stdin=subprocess.DEVNULL)
    away = bare.inventory_line.replace("bare", "away", 1).replace(bare.address, nobody)
    closed = bare.inventory_line.replace("bare", "closed", 1).replace(str(bare.key), str(key))
    told = refused(make("deploy", inventory_of(network, away, closed)))
    assert "away cannot be reached by SSH" in told
    assert re.search(r"No route to host|timed out", told)
    assert "check ansible_host, ansible_port, ansible_user and ansible_ssh_private_key_file in inventory.ini" in told
    assert "closed cannot be reached by SSH" in told
    assert "Permission denied (publickey" in told
    assert "until `ssh USER@HOST` works without a password" in told


def test_a_system_that_is_not_supported(network: Hosts, bare: Host) -> None:
    changes = ("/etc/os-release", "/etc/debian_version")
    for path in changes:
        host_file = f"$(readlink -f {path})"
        bare.run(f"cp {host_file} /root/$(basename {path}) && sed -i 's/13/11/g; s/trixie/bullseye/g' {host_file}")
    told = refused(make("deploy", inventory_of(network, bare.inventory_line)))
    for path in changes:
        bare.run(f"cp /root/$(basename {path}) $(readlink -f {path})")
    assert "bare runs Debian 11" in told
    assert "the wallet is tested on Debian 12 and 13 alone: deploy to a host with one of them." in told


def test_a_host_without_python(network: Hosts, bare: Host) -> None:
    bare.run("mv /usr/bin/python3 /usr/bin/python3.away")
    told = refused(make("deploy", inventory_of(network, bare.inventory_line)))
    bare.run("mv /usr/bin/python3.away /usr/bin/python3")
    assert "bare has no Python 3, which Ansible needs: run `apt-get install python3` there and deploy again." in told


def test_ports_and_a_group_that_somebody_else_has(network: Hosts, bare: Host) -> None:
    bare.run("python3 -", given=TAKE_PORTS)
    bare.run("useradd --system --gid nogroup --home-dir /nonexistent --shell /usr/sbin/nologin payment-system")
    told = refused(make("deploy", inventory_of(network, bare.inventory_line)))
    bare.run("userdel payment-system")
    bare.run("kill $(ss --no-header --listening --tcp --numeric --processes sport = :443 | sed -E 's/.*pid=([0-9]+).*/\\1/')")
    assert "Port 443 is taken by python3: stop it there" in told
    assert "Port 5432 is taken by python3, which is not Debian's PostgreSQL: stop it there" in told
    assert "The account payment-system belongs to the group nogroup, and the wallet's to one of its own name" in told


def test_a_disk_that_is_full(network: Hosts, one_host: Host) -> None:
    before = served(one_host)
    one_host.run("mount -t tmpfs -o size=600M tmpfs /mnt && cp -a /opt/. /mnt && mount --bind /mnt /opt")
    try:
        told = refused(make("deploy", inventory_of(network), "--limit", one_host.name))
        assert served(one_host) == before
    finally:
        one_host.run("umount --lazy /opt && umount --lazy /mnt && systemctl restart payment-system nginx")
    assert re.search(rf"{one_host.name} has \d+ MB free on /opt and needs 2048: remove what is not needed", told)
    still_serves(one_host, before)


WRONG_VARIABLES = {
    "payment_system_currency=pounds": 'payment_system_currency is "pounds": write a code of ISO 4217 such as GBP.',
    "payment_system_workers=0": 'payment_system_workers is "0": write a whole number from 1 to 64.',
    "payment_system_domain=https://pay.example.org": "without https:// and without a path, or leave it empty.",
    "payment_system_curency=GBP":
        "There is no variable payment_system_curency: correct its name in inventory.ini to payment_system_currency.",
}


def test_variables_that_cannot_be_used_are_told_at_once(network: Hosts, one_host: Host) -> None:
    before = served(one_host)
    told = refused(make("deploy", inventory_of(network), "--limit", one_host.name, *(f"--extra-vars={each}" for each in WRONG_VARIABLES)))
    assert [cure for cure in WRONG_VARIABLES.values() if cure not in told] == []
    still_serves(one_host, before)
