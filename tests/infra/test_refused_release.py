"""A release that the host cannot run with is refused, whichever of its files is wrong, and what served serves on: killed, and restarted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.infra.customers import check_nothing_lost, paying
from tests.infra.deploying import INSTALL, LOCK, PLAY_SECONDS, archives, configuration, install_misled, install_other, send, status
from tests.infra.killing import killed_when_made
from tests.infra.serving import served, still_serves

if TYPE_CHECKING:
    from tests.infra.conftest import Tokens
    from tests.infra.hosts import Host

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(1800)]

UNIT: Final = "host/units/payment-system.service"
STANDBY: Final = "host/units/payment-system-standby.service"


@pytest.mark.parametrize(("path", "text", "other", "cause"), [
    (UNIT, "/venv/bin/python -m gunicorn", "/venv/bin/pythonx -m gunicorn", "pythonx is not executable"),
    (STANDBY, "--config gunicorn.conf.py", "--config gone.conf.py", "payment-system-standby.service does not start"),
    (UNIT, "KillMode=mixed", "KillMode=mixed\nExecStartPre=/bin/false", "payment-system.service does not start"),
    (UNIT, "KillMode=mixed", "KilMode=mixed", "KilMode"),
    ("host/units/payment-system.socket", "[Socket]", "[Socket]\nListenStreem=/run/x.sock", "ListenStreem"),
    ("host/nginx.conf", "worker_processes auto;", "worker_processes many;", '"worker_processes" directive invalid value'),
    ("host/nginx.conf", "proxy_pass http://wallet;", "return 404;", "Port 443 does not serve the release"),
    ("host/nginx.service.conf", "ExecStart=/usr/sbin/nginx ", "ExecStart=/usr/sbin/nginxx ", "nginxx is not executable"),
    ("host/nginx.service.conf", "ProtectSystem=strict", "ProtectSystem=strict\nExecStartPre=/bin/false", "nginx.service does not start"),
    ("host/postgresql/reload.conf", "fsync = on", "fsync = perhaps", 'parameter "fsync" requires a Boolean value'),
    ("host/postgresql/start.conf", "shared_buffers = ", "shared_bufers = ", 'unrecognized configuration parameter "shared_bufers"'),
    ("host/postgresql/start.conf", "shared_buffers = ", "shared_buffers = 900GB # not ", "postgresql@"),
    ("host/postgresql/pg_hba.conf", "peer map=payment-system", "per map=payment-system", 'invalid authentication method "per"'),
    ("host/postgresql/pg_ident.conf", "payment-system   root ", "payment-system   nobody ", "cannot be read"),
    ("host/postgresql/postgresql@.service.conf", "NoNewPrivileges=yes", "NoNewPrivilege=yes", "NoNewPrivilege"),
], ids=[
    "a program that is not there", "a standby that ends at once", "a start that fails in the main unit alone",
    "an unknown word in the unit", "an unknown word in a socket", "the proxy's settings are wrong", "the proxy leads elsewhere",
    "the proxy's program is not there", "the proxy does not start", "a setting of PostgreSQL has a wrong value",
    "PostgreSQL does not know a setting", "PostgreSQL does not start", "who may come is not readable",
    "the owner of the tables is not let in", "an unknown word in PostgreSQL's unit",
])
def test_what_the_host_cannot_run_with_is_refused_and_all_is_as_it_was(host: Host, path: str, text: str, other: str, cause: str) -> None:
    before = served(host)
    exit_status, said = install_misled(host, path, text, other)
    assert exit_status == 1
    assert cause in said
    assert said.endswith(f"The release {before.release} goes on serving.")
    still_serves(host, before)


def test_going_back_brings_back_the_unit_that_was_in_force(host: Host) -> None:
    before = served(host)
    settings = configuration(host)
    settings[UNIT] = settings[UNIT].replace("TimeoutStopSec=30", "TimeoutStopSec=31")
    host.run(f"{INSTALL} {archives(host)} {send(host, settings)}", timeout_seconds=PLAY_SECONDS)
    asked = "systemctl show --value --property=TimeoutStopUSec payment-system"
    assert (host.run(asked).stdout, status(host)["previous"]) == ("31s\n", before.release)
    host.run("payment-system-release rollback")
    assert host.run(asked).stdout == "30s\n"
    assert served(host) == before


def test_a_deploy_killed_as_it_turns_the_link_serves_after_a_restart_and_is_finished_by_the_next(host: Host, tokens: Tokens) -> None:
    first = served(host)
    settings = configuration(host)
    settings[UNIT] = settings[UNIT].replace("TimeoutStopSec=30", "TimeoutStopSec=32")
    settings["host/nginx.conf"] = settings["host/nginx.conf"].replace("send_timeout 30s", "send_timeout 31s")
    sent = send(host, settings)
    with paying(host.address, tokens(host), 4) as load:
        with killed_when_made(host, "current"):
            host.run(f"{INSTALL} {archives(host)} {sent}", check=False, timeout_seconds=PLAY_SECONDS)
        host.run(f"flock {LOCK} true")
    assert load.failed == []
    host.reboot()
    found = status(host)
    assert (found["release"] != first.release, found["ready"], found["reached"]) == (True, True, True)
    assert host.run("systemctl show --value --property=TimeoutStopUSec payment-system").stdout == "32s\n"
    assert install_other(host, "77.00") == status(host)["release"]
    still_serves(host, served(host))
    check_nothing_lost(host, load)
