"""A deployed wallet on both Debians: it serves, and it goes on serving and keeps every penny whatever is done to it."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.infra.customers import PASSWORD, PAY, PENNY, Load, Wallet, join, paying
from tests.infra.deploying import INSTALL, Played, archives, install_broken, install_other, play, status
from tests.infra.hosts import RELEASES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Figure
    from tests.infra.hosts import Host, Hosts

pytestmark = [pytest.mark.hosts, pytest.mark.xdist_group("hosts"), pytest.mark.timeout(1800)]

CONNECTIONS = 16
MOVES = 10
"""Of each of the two hosts."""
BROKEN_MIGRATION = """printf 'revision, down_revision = "0003", "0002"\\ndef upgrade():\\n    raise ValueError("no such table")\\n' \
    > schema/migrations/0003_broken.py"""
OPEN_PORTS = {22, 80, 443}
SCAN = """
import socket, sys
open_ports = []
for port in [*range(1, 1025), 5000, 5432, 6432, 8000, 8080]:
    with socket.socket() as probe:
        probe.settimeout(0.05)
        if probe.connect_ex((sys.argv[1], port)) == 0:
            open_ports.append(port)
print(*open_ports)
"""


@pytest.fixture(scope="session")
def first_run(network: Hosts, debian_12: Host, debian_13: Host) -> Played:
    """`make deploy` on two bare hosts."""
    assert debian_12.release != debian_13.release
    rehearsed = play(network, "site.yml", "--check")
    assert rehearsed.exit_status == 0, rehearsed.output[-5000:]
    done = play(network, "site.yml")
    assert done.exit_status == 0, done.output[-5000:]
    return done


@pytest.fixture(params=RELEASES)
def host(request: pytest.FixtureRequest, first_run: Played) -> Host:
    """A host that serves."""
    assert first_run.changed
    deployed: Host = request.getfixturevalue(request.param.replace("-", "_"))
    return deployed


@pytest.fixture(scope="session")
def tokens() -> Callable[[Host], dict[str, str]]:
    """Some customers of a host, who joined by HTTPS, with their tokens."""
    joined: dict[str, dict[str, str]] = {}

    def of(host: Host) -> dict[str, str]:
        if host.name not in joined:
            joined[host.name] = {name: join(host.address, name) for name in (f"person-{place}" for place in range(8))}
        return joined[host.name]

    return of


def check_nothing_lost(host: Host, load: Load) -> None:
    """Every payment that was acknowledged is in the books once, and the books balance."""
    assert len(load.paid) > 100
    stored = Counter(host.run("psql --username=payment_system_owner --dbname=payment_system --no-align --tuples-only "
                              "--command 'SELECT id FROM ledger.transfers'").stdout.split())
    assert all(stored[key] == 1 for key in load.paid)
    assert max(stored.values()) == 1
    assert "The books balance" in host.run("payment-system ledger verify").stdout


def test_a_second_run_changes_nothing(network: Hosts, first_run: Played, figure: Figure) -> None:
    again = play(network, "site.yml")
    figure(f"two bare hosts to serving: {first_run.seconds:.0f} s; with nothing to change: {again.seconds:.0f} s")
    assert again.exit_status == 0, again.output[-5000:]
    assert again.changed == dict.fromkeys(RELEASES, 0), again.output


def test_people_register_log_in_and_pay_over_https(host: Host, tokens: Callable[[Host], dict[str, str]]) -> None:
    person, *_ = tokens(host).items()
    wallet = Wallet(host.address)
    answer = wallet.ask(PAY, {"idempotencyKey": "00000000-0000-4000-8000-000000000001", "to": "person-1", "amount": PENNY}, token=person[1])
    wallet.close()
    assert (answer["replayed"], answer["errors"]) == (False, [])


def test_releases_go_back_and_forth_under_load_and_no_request_fails(
    host: Host, tokens: Callable[[Host], dict[str, str]], figure: Figure
) -> None:
    people, first = tokens(host), status(host)["release"]
    other = install_other(host, "900.00")
    assert other != first
    with paying(host.address, people, CONNECTIONS) as load:
        began = time.monotonic()
        for place in range(MOVES):
            host.run("payment-system-release rollback")
            assert host.run("readlink /opt/payment-system/current").stdout.strip().endswith((first, other)[place % 2])
        ended = time.monotonic()
    p99 = load.p99_seconds(began, ended)
    figure(f"{host.name}: {MOVES} releases in {ended - began:.0f} s under {len(load.paid):,} payments, p99 {p99:.3f} s")
    assert load.failed == []
    check_nothing_lost(host, load)
    assert status(host)["last"]["requests_failed"] == 0


@pytest.mark.parametrize(("breaking", "setting", "cause"), [
    ("echo 'import nothing_by_this_name' >> app/asgi.py", "", "nothing_by_this_name"),
    ("echo 'import nothing_by_this_name' >> app/ledger/__init__.py", "", "nothing_by_this_name"),
    ("printf '\\n\\ndef serves(found):\\n    return False\\n' >> app/migrations.py", "", "is not ready: the database is at migration"),
    (BROKEN_MIGRATION, "", "no such table"),
    ("true", "PAYMENT_SYSTEM_CURRENCY=XYZ", "'XYZ' is not a currency. Set PAYMENT_SYSTEM_CURRENCY"),
])
def test_a_broken_release_is_refused_with_its_cause_and_nobody_notices(
    host: Host, tokens: Callable[[Host], dict[str, str]], breaking: str, setting: str, cause: str
) -> None:
    before = status(host)["release"]
    with paying(host.address, tokens(host), 4) as load:
        exit_status, said = install_broken(host, breaking, setting)
    assert exit_status != 0
    assert cause in said
    assert load.failed == []
    after = status(host)
    assert (after["release"], after["ready"]) == (before, True)
    assert host.run("systemctl is-active payment-system-standby", check=False).stdout == "inactive\n"
    check_nothing_lost(host, load)


def test_two_deploys_at_once_are_told_apart(host: Host) -> None:
    lock = "flock --exclusive /run/payment-system-release.lock"
    refused = host.run(f"{lock} {INSTALL} {archives(host)} --configuration=/root/other.env", check=False)
    assert refused.returncode != 0
    assert "Another deploy or rollback is under way on this host" in refused.stderr


def test_restart_under_load_fails_no_request(host: Host, tokens: Callable[[Host], dict[str, str]]) -> None:
    with paying(host.address, tokens(host), CONNECTIONS) as load:
        for _ in range(3):
            host.run("systemctl restart payment-system")
    assert load.failed == []
    check_nothing_lost(host, load)


def test_a_service_that_is_killed_serves_again_and_has_lost_nothing(
    host: Host, tokens: Callable[[Host], dict[str, str]], figure: Figure
) -> None:
    with paying(host.address, tokens(host), CONNECTIONS) as load:
        load.wait_for(200)
        host.run("systemctl kill --signal=KILL payment-system")
        load.wait_for(200)
    figure(f"{host.name}: killed, {len(load.failed)} requests were cut off, the longest wait was {max(load.paid.values()):.2f} s")
    assert len(load.failed) <= CONNECTIONS
    check_nothing_lost(host, load)


def test_what_is_stopped_stays_stopped_and_what_is_started_serves(host: Host) -> None:
    wallet = Wallet(host.address)
    host.run("systemctl stop payment-system")
    status_code, page = wallet.look("/")
    assert (status_code, "again" in page) == (503, True), page
    assert host.run("systemctl is-active payment-system", check=False).stdout == "inactive\n"
    host.run("systemctl start payment-system")
    assert wallet.look("/readyz")[0] == 200
    assert f"The release {status(host)['release']} serves." in host.run("systemctl status payment-system").stdout
    host.run("systemctl disable payment-system && systemctl daemon-reload")
    assert wallet.look("/readyz")[0] == 200
    wallet.close()
    host.run("systemctl enable payment-system")
    assert host.run("systemctl is-enabled payment-system").stdout == "enabled\n"


def test_the_services_stand_behind_their_walls(host: Host, figure: Figure) -> None:
    scores = status(host)["exposure"]
    assert scores.pop("payment-system.service") <= 0.5
    assert scores.pop("nginx.service") <= 3
    assert scores
    assert all(score <= 5 for score in scores.values())
    offline = host.run("systemd-analyze security --offline=true --threshold=5 /etc/systemd/system/payment-system.service")
    figure(f"{host.name}: {offline.stdout.strip().splitlines()[-1]}")


def test_from_another_host_only_ssh_and_the_web_answer(first_run: Played, debian_12: Host, debian_13: Host) -> None:
    assert first_run.changed
    for here, there in ((debian_12, debian_13), (debian_13, debian_12)):
        found = here.run(f"python3 - {there.address}", given=SCAN, timeout_seconds=300).stdout
        assert {int(port) for port in found.split()} == OPEN_PORTS
    assert "passwordauthentication no" in debian_12.run("sshd -T").stdout


def test_no_secret_of_a_person_is_left_on_the_host(host: Host, tokens: Callable[[Host], dict[str, str]]) -> None:
    secrets = [PASSWORD, *tokens(host).values()]
    seen = host.run("journalctl --no-pager --output=cat").stdout + host.run("ps -e -o args && cat /proc/*/environ | tr '\\0' '\\n'").stdout
    assert not [secret for secret in secrets if secret in seen]


def test_after_the_power_was_cut_the_release_serves(host: Host, tokens: Callable[[Host], dict[str, str]]) -> None:
    before = status(host)["release"]
    with paying(host.address, tokens(host), 4) as load:
        load.wait_for(200)
    host.cut_power()
    after = status(host)
    assert (after["release"], after["ready"]) == (before, True)
    check_nothing_lost(host, load)
