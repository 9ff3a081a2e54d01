"""Owns the question after each refused deploy: is all as it was, also once the service was killed and the host restarted?"""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.infra.deploying import status

if TYPE_CHECKING:
    from tests.infra.hosts import Host

AGAIN_SECONDS: Final = 60
BOOKS: Final = """psql --username=payment_system_owner --dbname=payment_system --no-align --tuples-only --command '
    SELECT transaction_count, entries FROM (SELECT count(*) AS transaction_count FROM ledger.transfers) AS one,
    (SELECT count(*) AS entries FROM ledger.entries) AS two'"""
# What is in force, as systemd and PostgreSQL themselves say; files alone would say what is meant.
IN_FORCE: Final = """systemctl show --property=ExecStart,ExecStartPre,ExecReload,Restart,NeedDaemonReload,FragmentPath,DropInPaths \
    payment-system nginx 'postgresql@*' payment-system.socket | sed 's/ ; start_time.*//; s/ pid=.*//' &&
psql --username=postgres --dbname=postgres --no-align --tuples-only --command "SELECT name, setting FROM pg_settings
    WHERE source = 'configuration file' OR pending_restart ORDER BY name" &&
readlink /opt/payment-system/current && ! test -e /opt/payment-system/moving"""


@dataclass(frozen=True)
class Served:
    """How a host is, for those whom it serves and for whoever looks into it."""

    release: str
    certificate: str
    books: str
    in_force: str


def served(host: Host, domain: str = "") -> Served:
    """What it is now, under its domain if it has one. Raises: AssertionError when it does not serve."""
    found = status(host)
    assert (found["ready"], found["reached"]) == (True, True), found
    return Served(found["release"], shown_certificate(host, domain), host.run(BOOKS).stdout, host.run(IN_FORCE).stdout)


def shown_certificate(host: Host, domain: str = "") -> str:
    """What a host shows a stranger who asks for this name, or for none."""
    curious = ssl.create_default_context()
    curious.check_hostname, curious.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((host.address, 443)) as plain, curious.wrap_socket(plain, server_hostname=domain or None) as secured:
        shown = secured.getpeercert(binary_form=True)
    assert shown
    return ssl.DER_cert_to_PEM_cert(shown)


def still_serves(host: Host, before: Served, domain: str = "") -> None:
    """All is as before; after the service was killed; and after the host was restarted. Raises: AssertionError."""
    assert served(host, domain) == before
    host.run("systemctl kill --signal=KILL payment-system")
    end = time.monotonic() + AGAIN_SECONDS
    while not status(host)["reached"]:
        assert time.monotonic() < end, "what was killed does not serve again"
    assert served(host, domain) == before
    host.reboot()
    assert served(host, domain) == before
    assert host.run("systemctl is-active payment-system-standby", check=False).stdout == "inactive\n"
