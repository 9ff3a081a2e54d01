"""The client's address comes from trusted proxies only."""

from __future__ import annotations

import json
import socket
from http.client import HTTPConnection
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from app.http import address_block, client_address
from tests.gunicorn import serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Database

PROXIES = (ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48"))


@pytest.mark.parametrize(("peer", "forwarded_for", "address"), [
    # Only a proxy connects to the Unix socket.
    (None, "203.0.113.7", "203.0.113.7"),
    (None, "198.51.100.1, 203.0.113.7", "203.0.113.7"),
    (None, " 2001:db8::7 ", "2001:db8::7"),
    (None, "::ffff:203.0.113.7", "203.0.113.7"),
    (None, None, None), (None, "", None), (None, "unknown", None), (None, "203.0.113.7, ", None), (None, "203.0.113.7:80", None),
    (None, "fe80::1%eth0", None), (None, "1" * 5000, None),
    # A trusted proxy, and one behind another.
    ("10.0.0.2", "203.0.113.7", "203.0.113.7"),
    ("10.0.0.2", "198.51.100.1, 203.0.113.7, 10.0.0.3", "203.0.113.7"),
    ("10.0.0.2", "10.0.0.3", "10.0.0.2"), ("10.0.0.2", "nonsense", "10.0.0.2"), ("10.0.0.2", None, "10.0.0.2"),
    ("10.0.0.2", "203.0.113.7, nonsense, 10.0.0.3", "10.0.0.2"),
    ("2001:db8:1::2", "203.0.113.7", "203.0.113.7"),
    # Any other client.
    ("203.0.113.9", "198.51.100.1", "203.0.113.9"), ("11.0.0.2", "10.0.0.2", "11.0.0.2"), ("2001:db8:2::2", "::1", "2001:db8:2::2"),
])
def test_the_header_is_read_from_the_right_as_far_as_trusted_proxies_wrote_it(
    peer: str | None, forwarded_for: str | None, address: str | None
) -> None:
    assert client_address(peer, forwarded_for, PROXIES) == address


def test_without_a_trusted_proxy_the_header_is_ignored() -> None:
    assert client_address("127.0.0.1", "203.0.113.7", ()) == "127.0.0.1"
    assert client_address(None, "198.51.100.1, 203.0.113.7", ()) == "203.0.113.7"


@pytest.mark.parametrize(("address", "block"), [
    ("203.0.113.7", "203.0.113.7"), ("::ffff:203.0.113.7", "203.0.113.7"),
    ("2001:db8:0:1::7", "2001:db8:0:1::/64"), ("2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64"),
    ("2001:db8:0:2::7", "2001:db8:0:2::/64"), (None, "unknown"), ("", "unknown"), ("nobody", "unknown"),
])
def test_an_ipv4_address_and_an_ipv6_network_count_as_one_client(address: str | None, block: str) -> None:
    assert address_block(address) == block


class AtSocket(HTTPConnection):
    """Connects to the Unix socket, as nginx and a deploy's readiness check do."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(str(self._path))


def addresses_logged(lines: list[str]) -> list[str | None]:
    events = [json.loads(line) for line in lines if line.startswith("{")]
    return [event["address"] for event in events if event["event"] == "request"]


@pytest.mark.parametrize(("at_socket", "settings", "addresses"), [
    (True, {}, ["203.0.113.7"] * 3 + [None]),
    (False, {"PAYMENT_SYSTEM_TRUSTED_PROXIES": "127.0.0.0/8"}, ["203.0.113.7"] * 3 + ["127.0.0.1"]),
    (False, {}, ["127.0.0.1"] * 4),
])
def test_the_api_and_the_pages_log_the_same_address(
    database: Database, tmp_path: Path, at_socket: bool, settings: dict[str, str], addresses: list[str | None]  # noqa: FBT001 - of a table
) -> None:
    path = tmp_path / "wallet.sock"
    place = {"GUNICORN_BIND": f"unix:{path}"} if at_socket else {}
    with serving(database.app_url, {"WEB_CONCURRENCY": "1", **settings, **place}) as served:
        client = AtSocket(path) if at_socket else HTTPConnection(served.address.removeprefix("http://"), timeout=60)
        query = json.dumps({"query": "{ users { totalCount } }"})
        for method, target, forwarded_for in (
            ("POST", "/graphql", ["198.51.100.1", "203.0.113.7"]), ("GET", "/", ["198.51.100.1", "203.0.113.7"]),
            ("GET", "/", ["198.51.100.1, 203.0.113.7"]), ("GET", "/healthz", []),
        ):
            client.putrequest(method, target)
            for each in forwarded_for:
                client.putheader("X-Forwarded-For", each)
            client.putheader("X_Forwarded_For", "192.0.2.66")
            client.putheader("Content-Type", "application/json")
            client.putheader("Content-Length", str(len(query) if method == "POST" else 0))
            client.endheaders(query.encode() if method == "POST" else b"")
            answer = client.getresponse()
            answer.read()
            assert answer.status == 200
        client.close()
    assert addresses_logged(served.log) == addresses
