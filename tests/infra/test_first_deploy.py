"""Bare hosts can be rehearsed on, and their first deploy leaves nothing to do: all that runs is as it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.version import VERSION
from tests.infra.deploying import Played, inventory_of, make, status
from tests.infra.hosts import RELEASES

if TYPE_CHECKING:
    from tests.conftest import Figure
    from tests.infra.hosts import Host, Hosts

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(1800)]


def test_a_rehearsal_on_bare_hosts_says_what_a_deploy_would_do(network: Hosts, debian_12: Host, debian_13: Host) -> None:
    assert debian_12.release != debian_13.release
    rehearsed = make("check", inventory_of(network))
    assert rehearsed.exit_status == 0, rehearsed.output[-5000:]
    assert min(rehearsed.changed.values()) > 0
    for host in (debian_12, debian_13):
        assert host.run("ls -d /opt/payment-system /etc/nginx", check=False).stdout == ""


def test_a_second_run_changes_nothing(network: Hosts, first_run: Played, figure: Figure) -> None:
    again = make("deploy", inventory_of(network))
    assert again.exit_status == 0, again.output[-5000:]
    assert again.changed == dict.fromkeys(RELEASES, 0), again.output
    figure(f"two bare hosts to serving: {first_run.seconds:.0f} s (bar 300); with nothing to change: {again.seconds:.0f} s (bar 30)")


def test_the_version_is_told_of_what_serves(host: Host) -> None:
    assert status(host)["version"] == VERSION
    assert f"Version      {VERSION}\n" in host.run("payment-system-release status").stdout


def test_every_service_runs_with_the_files_that_are_there(host: Host) -> None:
    """Every unit's loaded state is equal to its file: systemd itself says so of all."""
    units = "payment-system.service payment-system.socket payment-system-probe.socket nginx 'postgresql@*' payment-system-firewall ssh"
    assert set(host.run(f"systemctl show --property=NeedDaemonReload {units}").stdout.split()) == {"NeedDaemonReload=no"}
    assert status(host)["drift"] == []


def test_postgresql_plans_for_a_disk_that_finds_any_page_as_fast_as_the_next(host: Host) -> None:
    asked = "psql --username=payment_system_owner --dbname=payment_system --no-align --tuples-only --command 'SHOW random_page_cost'"
    assert host.run(asked).stdout == "1.1\n"
