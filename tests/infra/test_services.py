"""What the operator does to the services of a deployed host, and what happens to them: each verb does what it says, nothing is lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.infra.customers import Wallet, check_nothing_lost, paying
from tests.infra.deploying import inventory_of, make, status

if TYPE_CHECKING:
    from tests.conftest import Figure
    from tests.infra.conftest import Tokens
    from tests.infra.hosts import Host, Hosts

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(1800)]

CONNECTIONS = 16


def state_of(host: Host, question: str) -> str:
    return host.run(f"systemctl {question} payment-system", check=False).stdout.strip()


def answer_of(host: Host, path: str) -> int:
    wallet = Wallet(host.address)
    found, _ = wallet.look(path)
    wallet.close()
    return found


def test_status_shows_the_release_that_serves(network: Hosts, host: Host) -> None:
    release = status(host)["release"]
    assert f"The release {release} serves." in host.run("systemctl status payment-system").stdout
    told = make("status", inventory_of(network), "--limit", host.name).output
    assert f"{release}, ready" in told
    assert "balanced" in told


def test_restart_under_load_fails_no_request(host: Host, tokens: Tokens) -> None:
    with paying(host.address, tokens(host), CONNECTIONS) as load:
        for _ in range(3):
            host.run("systemctl restart payment-system")
    assert load.failed == []
    check_nothing_lost(host, load)


def test_what_is_stopped_stays_stopped_and_what_is_started_serves(host: Host) -> None:
    wallet = Wallet(host.address)
    host.run("systemctl stop payment-system")
    status_code, page = wallet.look("/")
    assert (status_code, "again" in page) == (503, True), page
    assert state_of(host, "is-active") == "inactive"
    host.run("systemctl start payment-system")
    assert wallet.look("/readyz")[0] == 200
    wallet.close()


def test_what_is_disabled_serves_on_and_does_not_start_with_the_host_until_it_is_enabled(host: Host) -> None:
    host.run("systemctl disable payment-system && systemctl daemon-reload")
    assert (answer_of(host, "/readyz"), state_of(host, "is-enabled")) == (200, "disabled")
    host.reboot()
    assert (answer_of(host, "/"), state_of(host, "is-active")) == (503, "inactive")
    host.run("systemctl start payment-system")
    assert answer_of(host, "/readyz") == 200
    host.run("systemctl enable payment-system && systemctl daemon-reload")
    host.reboot()
    assert (answer_of(host, "/readyz"), state_of(host, "is-enabled"), state_of(host, "is-active")) == (200, "enabled", "active")


def test_a_service_that_is_killed_serves_again_and_has_lost_nothing(host: Host, tokens: Tokens, figure: Figure) -> None:
    with paying(host.address, tokens(host), CONNECTIONS) as load:
        load.wait_for(200)
        killed = time.monotonic()
        host.run("systemctl kill --signal=KILL payment-system")
        load.wait_for(200)
    # Sent after the kill, and answered: not one that was on its way back already.
    again = min(moment for moment, seconds in load.moments if moment - seconds > killed) - killed
    longest = max(seconds for moment, seconds in load.moments if moment > killed)
    figure(f"{host.name}: killed, serving again after {max(again, longest):.1f} s (bar 5); {len(load.failed)} requests were cut off")
    assert len(load.failed) <= CONNECTIONS
    check_nothing_lost(host, load)


def test_after_the_power_was_cut_the_release_serves(host: Host, tokens: Tokens) -> None:
    before = status(host)["release"]
    with paying(host.address, tokens(host), 4) as load:
        load.wait_for(200)
    host.cut_power()
    after = status(host)
    assert (after["release"], after["ready"]) == (before, True)
    check_nothing_lost(host, load)
