"""The first deploy of bare hosts leaves nothing to do: a second one changes nothing, and all that runs is as it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.infra.deploying import Played, inventory_of, make, status
from tests.infra.hosts import RELEASES

if TYPE_CHECKING:
    from tests.conftest import Figure
    from tests.infra.hosts import Host, Hosts

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(1800)]


def test_a_second_run_changes_nothing(network: Hosts, first_run: Played, figure: Figure) -> None:
    again = make("deploy", inventory_of(network))
    assert again.exit_status == 0, again.output[-5000:]
    assert again.changed == dict.fromkeys(RELEASES, 0), again.output
    one = make("deploy", inventory_of(network), "--limit", RELEASES[1])
    figure(f"two bare hosts to serving: {first_run.seconds:.0f} s (bar 300); with nothing to change: {again.seconds:.0f} s, "
           f"one host {one.seconds:.0f} s (bar 30)")


def test_every_service_runs_with_the_files_that_are_there(host: Host) -> None:
    """Every unit's loaded state is equal to its file: systemd itself says so of all."""
    units = "payment-system.service payment-system.socket payment-system-probe.socket nginx 'postgresql@*' payment-system-firewall ssh"
    assert set(host.run(f"systemctl show --property=NeedDaemonReload {units}").stdout.split()) == {"NeedDaemonReload=no"}
    assert status(host)["drift"] == []
