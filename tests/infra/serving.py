"""Owns the question after each refused deploy: is all as it was, also once the service was killed and the host restarted?"""

from __future__ import annotations

import json
import socket
import ssl
import time
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPSConnection
from typing import TYPE_CHECKING, Final

from tests.infra.customers import ANSWER_SECONDS

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
    release, certificate = shown(host, domain)
    assert release
    books, _, in_force = host.run(f"{BOOKS} && echo && {IN_FORCE}").stdout.partition("\n\n")
    return Served(release, certificate, books, in_force)


def shown(host: Host, domain: str = "") -> tuple[str, str]:
    """The release that answers a stranger who asks for this name, or for none, empty when none does; and the certificate shown to them."""
    curious = ssl.create_default_context()
    curious.check_hostname, curious.verify_mode = False, ssl.CERT_NONE
    asked = HTTPSConnection(domain or host.address, timeout=ANSWER_SECONDS, context=curious)
    with socket.create_connection((host.address, 443), ANSWER_SECONDS) as plain:
        asked.sock = curious.wrap_socket(plain, server_hostname=domain or None)
        certificate = asked.sock.getpeercert(binary_form=True)
        asked.request("GET", "/readyz")
        answer = asked.getresponse()
        found = answer.read()
        asked.close()
    assert certificate
    return str(json.loads(found)["release"]) if answer.status == HTTPStatus.OK else "", ssl.DER_cert_to_PEM_cert(certificate)


def still_serves(host: Host, before: Served, domain: str = "") -> None:
    """All is as before; after the service was killed; and after the host was restarted. Raises: AssertionError."""
    assert served(host, domain) == before
    host.run("systemctl kill --signal=KILL payment-system")
    end = time.monotonic() + AGAIN_SECONDS
    while not shown(host, domain)[0]:
        assert time.monotonic() < end, "what was killed does not serve again"
    assert served(host, domain) == before
    host.reboot()
    assert served(host, domain) == before
    assert host.run("systemctl is-active payment-system-standby", check=False).stdout == "inactive\n"
