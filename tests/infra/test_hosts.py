"""The test hosts themselves: what a bare Debian is to the deployment, and that nothing of the machine under them is in reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.infra.hosts import RELEASES

if TYPE_CHECKING:
    from tests.infra.hosts import Host

# Building both images comes before the first test of a new machine.
pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]


@pytest.fixture(params=RELEASES)
def host(request: pytest.FixtureRequest) -> Host:
    started: Host = request.getfixturevalue(request.param.replace("-", "_"))
    return started


def test_a_host_boots_to_running_and_answers_over_ssh(host: Host) -> None:
    assert host.run("systemctl is-system-running").stdout == "running\n"
    assert host.run("systemctl --failed --plain --no-legend").stdout == ""
    assert host.run(". /etc/os-release && echo $ID-$VERSION_ID").stdout == f"{host.release}\n"


def test_nothing_but_ssh_listens(host: Host) -> None:
    listening = host.run("ss --no-header --listening --tcp --udp --numeric").stdout.splitlines()
    assert {line.split()[4].rpartition(":")[2] for line in listening} == {"22"}


def test_packages_come_from_where_this_machine_has_its_own(host: Host) -> None:
    host.run("apt-get update --quiet --error-on=any")
    assert "Candidate: (none)" not in host.run("apt-cache policy nginx postgresql").stdout


def test_a_service_can_be_walled_in_as_on_a_real_machine(host: Host) -> None:
    wall = ("DynamicUser=yes", "PrivateUsers=yes", "PrivateNetwork=yes", "PrivateDevices=yes", "ProtectSystem=strict",
            "ProtectProc=invisible", "ProcSubset=pid", "ProtectControlGroups=yes", "LoadCredential=secret:/etc/hostname")
    properties = " ".join(f"--property={each}" for each in wall)
    seen = host.run(f"systemd-run --quiet --wait --pipe {properties} sh -c 'ip -brief link; cat $CREDENTIALS_DIRECTORY/secret'")
    only_interface, secret = seen.stdout.splitlines()
    assert (only_interface.split()[0], secret) == ("lo", host.name)


def test_a_host_has_a_firewall_of_its_own(host: Host) -> None:
    host.run("nft add table inet trial && nft list table inet trial && nft delete table inet trial")


def test_a_host_cannot_reach_the_machine_under_it(host: Host) -> None:
    for attempt in ("date --set 2001-01-01", "sysctl --write kernel.pid_max=4194304"):
        assert host.run(attempt, check=False).returncode != 0, attempt
    assert host.run("find /dev -type b").stdout == ""


def test_hosts_reach_each_other_by_name(debian_12: Host, debian_13: Host) -> None:
    for here, there in ((debian_12, debian_13), (debian_13, debian_12)):
        greeting = f"import socket; print(socket.create_connection(('{there.name}', 22), 10).recv(4).decode())"
        assert here.run("python3 -", given=greeting).stdout == "SSH-\n"


@pytest.mark.parametrize("way", ["reboot", "cut_power"])
def test_a_host_comes_back_with_its_files_and_its_address(host: Host, way: str) -> None:
    kept, begun = "ls /root/kept && cat /etc/ssh/ssh_host_ed25519_key.pub", "cut --delimiter=' ' --fields=22 /proc/1/stat"
    files, beginning = host.run(f"touch /root/kept && {kept}").stdout, host.run(begun).stdout
    getattr(host, way)()
    assert host.run(kept).stdout == files
    assert int(host.run(begun).stdout) > int(beginning)
    assert host.run("systemctl is-system-running").stdout == "running\n"
