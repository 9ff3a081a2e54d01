"""Who has no business on a deployed host gets nowhere, and who has is not locked out: ports, logins, walls, secrets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.infra.canaries import logged, processes_watched, readable_files_with
from tests.infra.customers import LOG_IN, PASSWORD, Wallet, paying
from tests.infra.deploying import Played, inventory_of, make, play, status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Figure
    from tests.infra.conftest import Tokens
    from tests.infra.hosts import Host, Hosts

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]

OPEN_PORTS: Final = {22, 80, 443}
# Some thousand ports at a time: those that let nobody in do not answer at all, and are given a second and a half.
SCAN: Final = """
import errno, resource, select, socket, sys, time
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
at_once = min(most - 100, 4000)
for first in range(1, 65536, at_once):
    asked, poll = {}, select.poll()
    for port in range(first, min(first + at_once, 65536)):
        probe = socket.socket()
        probe.setblocking(False)
        if probe.connect_ex((sys.argv[1], port)) == errno.EINPROGRESS:
            asked[probe.fileno()] = (port, probe)
            poll.register(probe, select.POLLOUT)
    end = time.monotonic() + 1.5
    while (left := end - time.monotonic()) > 0:
        for number, _ in poll.poll(left * 1000):
            poll.unregister(number)
            port, probe = asked[number]
            if not probe.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                print(port)
    for _, probe in asked.values():
        probe.close()
"""
POLICIES: Final = {"debian-12": "Hardened Debian 12 (version 3)", "debian-13": "Hardened Debian 13 (version 1)"}
OPERATOR_PASSWORD: Final = "canary-of-the-operator-41"


def log_in(host: Host, username: str) -> str:
    """The secret of a login, as the person's browser keeps it."""
    wallet = Wallet(host.address)
    assert wallet.ask(LOG_IN, {"username": username, "password": PASSWORD})["errors"] == []
    wallet.close()
    assert wallet.cookie
    return wallet.cookie.partition("=")[2]


def test_from_another_host_only_ssh_and_the_web_answer(first_run: Played, debian_12: Host, debian_13: Host) -> None:
    assert first_run.changed
    for here, there in ((debian_12, debian_13), (debian_13, debian_12)):
        found = here.run(f"python3 - {there.address}", given=SCAN, timeout_seconds=600).stdout
        assert {int(port) for port in found.split()} == OPEN_PORTS


@pytest.fixture
def tried_in_vain(host: Host) -> Iterator[Host]:
    """A host whose sshd forgets afterwards who tried in vain: Debian 13's lets them wait, and we come from the same address.

    Source: sshd_config(5), PerSourcePenalties.
    """
    yield host
    host.run("systemctl restart ssh")


def test_nobody_logs_in_by_a_password(tried_in_vain: Host) -> None:
    host = tried_in_vain
    host.run("echo root:a-good-password-37 | chpasswd")
    program, *arguments = host.ssh("true")
    tried = subprocess.run([program, "-v", "-o", "PubkeyAuthentication=no", *arguments[1:]], capture_output=True, text=True, check=False)
    host.run("passwd --lock root")
    assert tried.returncode != 0
    assert "Authentications that can continue: publickey\n" in tried.stderr.replace("\r", "")


def test_ssh_agrees_to_nothing_but_what_the_hardened_policy_has(tried_in_vain: Host) -> None:
    """Source: ssh-audit's own policy for each Debian."""
    host = tried_in_vain
    program = str(Path(sys.executable).with_name("ssh-audit"))
    command = [program, "--no-colors", "--policy", POLICIES[host.release], host.address]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "Passed" in done.stdout


def test_the_services_stand_behind_their_walls(host: Host, figure: Figure) -> None:
    scores = status(host)["exposure"]
    figure(f"{host.name}: exposure {scores} (bars 0.5, 3 and 5)")
    assert scores.pop("payment-system.service") <= 0.5
    assert scores.pop("nginx.service") <= 3
    assert scores
    assert all(score <= 5 for score in scores.values())


def test_no_secret_is_in_a_log_a_process_or_a_file_that_anybody_may_read(network: Hosts, one_host: Host, tokens: Tokens) -> None:
    """A deploy by somebody who has to tell sudo a password, at the highest verbosity, while people log in and pay."""
    one_host.run("useradd --create-home --shell /bin/bash --groups sudo --no-user-group canary && "
             "install -d -o canary -m 0700 ~canary/.ssh && install -o canary -m 0600 ~/.ssh/authorized_keys ~canary/.ssh")
    one_host.run("chpasswd", given=f"canary:{OPERATOR_PASSWORD}\n")
    key = one_host.run("cat /etc/ssl/payment-system/self-signed-*/privkey.pem").stdout.splitlines()[1]
    secrets = [PASSWORD, *tokens(one_host).values(), log_in(one_host, "person-1"), OPERATOR_PASSWORD, key]
    line = one_host.inventory_line.replace("ansible_user=root", f"ansible_user=canary ansible_become_password={OPERATOR_PASSWORD}")
    options = ("-vvv", "--extra-vars=payment_system_opening_balance=60.00")
    with processes_watched(one_host, secrets) as running, paying(one_host.address, tokens(one_host), 4) as load:
        done = make("deploy", inventory_of(network, line), *options)
        log_in(one_host, "person-2")
    one_host.run("userdel --remove canary", check=False)
    assert done.exit_status == 0, done.output[-5000:]
    assert all(len(secret) > 20 for secret in secrets)
    assert [secret for secret in secrets if secret in done.output] == []
    assert (running, logged(one_host, secrets), readable_files_with(one_host, secrets)) == ([], [], [])
    assert load.failed == []


def test_a_change_that_would_lock_the_operator_out_undoes_itself(
    network: Hosts, first_run: Played, debian_12: Host, debian_13: Host, figure: Figure
) -> None:
    """What Molecule's `lockout` verifies, on these hosts: a firewall without our port, an sshd without our account."""
    assert first_run.changed
    done = play("molecule/lockout/verify.yml", inventory_of(network))
    assert done.exit_status == 0, done.output[-5000:]
    for each in (line.strip() for line in done.output.splitlines() if ": back after " in line):
        figure(f"{each} (bar 60)")
    assert [status(host)["ready"] for host in (debian_12, debian_13)] == [True, True]
