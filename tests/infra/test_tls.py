"""A wallet with a domain: Molecule's scenario `tls` passes, and what it leaves serving moves to another host as docs/operator.md says."""

from __future__ import annotations

import os
import re
import shlex
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest

from tests.infra.customers import LOG_IN, PASSWORD, PAY, Wallet, enter
from tests.infra.hosts import Host, podman
from tests.infra.serving import served, shown, still_serves

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.infra.hosts import Hosts

ANSIBLE: Final = Path(__file__).parents[2] / "ansible"
SCENARIO_SECONDS: Final = 900
DOMAIN: Final = "debian-12.test"
pytestmark = [pytest.mark.hosts, pytest.mark.timeout(2 * SCENARIO_SECONDS)]


@dataclass(frozen=True)
class Scenario:
    """What `molecule test -s tls` did, and the hosts that it left in its folder: two wallets and an issuer."""

    folder: Path
    output: str
    exit_status: int
    seconds: float

    @property
    def root(self) -> Path:
        return self.folder / "root.crt"

    def host(self, name: str) -> Host:
        kept = self.folder / "hosts"
        address = (kept / "issuer").read_text() if name == "issuer" else re.findall(
            rf"^{name} ansible_host=(\S+)", (kept / "inventory.ini").read_text(), re.MULTILINE)[0]
        return Host(name=name, release=name, address=address, container=_container(address), folder=kept)

    def certificate(self, host: Host) -> bytes:
        """What a host shows a stranger who asks for the domain and trusts the issuer. Raises: SSLError when it does not prove it."""
        trusting = ssl.create_default_context(cafile=self.root)
        with socket.create_connection((host.address, 443)) as plain, trusting.wrap_socket(plain, server_hostname=DOMAIN) as secured:
            shown = secured.getpeercert(binary_form=True)
            assert shown
            return shown


@pytest.fixture(scope="module")
def scenario(network: Hosts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenario]:
    """The scenario, run but for its last step, which follows when the module is through."""
    assert network.folder.is_dir()  # this machine can run hosts
    folder = tmp_path_factory.mktemp("molecule")

    def molecule(*arguments: str) -> subprocess.CompletedProcess[str]:
        settings = {"MOLECULE_EPHEMERAL_DIRECTORY": str(folder), "NO_COLOR": "1"}
        return _run(["molecule", *arguments, "--scenario-name", "tls"], settings)

    began = time.monotonic()
    try:
        done = molecule("test", "--destroy", "never")
        yield Scenario(folder, done.stdout, done.returncode, time.monotonic() - began)
    finally:
        molecule("destroy")


def test_the_scenario_passes_on_both_debians(scenario: Scenario, figure: Any) -> None:
    assert scenario.exit_status == 0, scenario.output[-6000:]
    figure(f"molecule test -s tls: {scenario.seconds:.0f} s, on both Debians at once")


def test_whoever_asks_for_another_name_is_told_none_and_http_leads_to_the_domain(scenario: Scenario) -> None:
    host = scenario.host("debian-12")
    curious = ssl.create_default_context(cafile=scenario.root)
    with socket.create_connection((host.address, 443)) as plain, pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        curious.wrap_socket(plain, server_hostname="other.test")
    asked = HTTPConnection(host.address, timeout=60)
    asked.request("GET", "/pay/somebody?amount=1")
    answer = asked.getresponse()
    asked.close()
    assert (answer.status, answer.getheader("Location")) == (308, f"https://{DOMAIN}/pay/somebody?amount=1")


def test_a_typo_over_an_established_domain_is_refused_and_the_domain_serves_on(scenario: Scenario) -> None:
    host = scenario.host("debian-12")
    before = served(host, DOMAIN)
    told = _deploy(scenario, host, "payment_system_domain=typo.test", refused=True)
    assert "No certificate was issued for typo.test, so the deploy went no further" in told
    assert "Traceback" not in told
    still_serves(host, before, DOMAIN)


def test_back_to_no_domain_the_host_shows_a_certificate_of_its_own_and_a_typo_changes_nothing(scenario: Scenario) -> None:
    host = scenario.host("debian-13")
    issued = shown(host, "debian-13.test")[1]
    told = _deploy(scenario, host, "payment_system_domain=")
    own = served(host)
    fingerprint = sha256(ssl.PEM_cert_to_DER_cert(own.certificate)).digest().hex(":").upper()
    assert fingerprint in told
    described = subprocess.run(["openssl", "x509", "-noout", "-ext", "basicConstraints,subjectAltName"], input=own.certificate,
                               capture_output=True, text=True, check=True).stdout
    assert "CA:FALSE" in described
    assert f"DNS:debian-13, IP Address:{host.address}" in described

    refused = _deploy(scenario, host, "payment_system_domain=typo.test", refused=True)
    assert "No certificate was issued for typo.test" in refused
    still_serves(host, own)

    _deploy(scenario, host, "payment_system_domain=debian-13.test")
    assert shown(host, "debian-13.test")[1] == issued


def _deploy(scenario: Scenario, host: Host, variable: str, *, refused: bool = False) -> str:
    """Deploy this checkout with another value of a variable. Returns what was said."""
    done = _run(["ansible-playbook", "--inventory", str(scenario.folder / "hosts/inventory.ini"), "--limit", host.name, "site.yml",
                 "--extra-vars", variable, "--extra-vars", "payment_system_acme_directory=https://issuer/acme/local/directory"])
    assert (done.returncode != 0) == refused, done.stdout[-3000:]
    return " ".join(done.stdout.split())


def test_a_wallet_moves_to_another_host_as_the_readme_says(scenario: Scenario) -> None:
    old, new = scenario.host("debian-12"), scenario.host("debian-13")
    tokens = {name: enter(Wallet(old.address, domain=DOMAIN, root=scenario.root), name) for name in ("amara", "bilal")}
    _pay(scenario, old, tokens["amara"])
    certificate, books = scenario.certificate(old), _books(old)

    bring_certificate, bring_books = _commands_of_the_page(old, new)
    _bash(bring_certificate)
    deployed = _run(["ansible-playbook", "--inventory", str(scenario.folder / "hosts/inventory.ini"), "--limit", new.name, "site.yml",
                     "--extra-vars", f"payment_system_domain={DOMAIN}"])
    assert deployed.returncode == 0, deployed.stdout[-3000:]
    assert scenario.certificate(new) == certificate
    assert "The books balance" in _bash(bring_books)

    assert _books(new) == books
    with pytest.raises(AssertionError, match=r"^503"):
        _pay(scenario, old, tokens["amara"])
    _pay(scenario, new, tokens["amara"])
    logged_in = Wallet(new.address, domain=DOMAIN, root=scenario.root)
    assert logged_in.ask(LOG_IN, {"username": "bilal", "password": PASSWORD})["errors"] == []
    logged_in.close()

    # The name's DNS.
    scenario.host("issuer").run(f"sed '/ {DOMAIN}$/d' /etc/hosts > /tmp/hosts && echo '{new.address} {DOMAIN}' >> /tmp/hosts && "
                                "cat /tmp/hosts > /etc/hosts")
    new.run("systemctl start certbot.service")
    assert scenario.certificate(new) != certificate


def _container(address: str) -> str:
    """The container that has this address, so that the host can be restarted."""
    shown = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return next(each for each in podman("ps", "--quiet", "--no-trunc").split() if podman("inspect", "--format", shown, each) == address)


def _books(host: Host) -> tuple[str, str]:
    """Every entry that a host's books have, with the balance after it, and every person with their wallet."""
    entries = host.run("psql --username=payment_system_owner --dbname=payment_system --no-align --tuples-only "
                       "--command 'SELECT * FROM ledger.entries ORDER BY account_id, number'").stdout
    assert entries
    return entries, host.run("payment-system users list").stdout


def _commands_of_the_page(old: Host, new: Host) -> list[str]:
    """What its section on moving has an operator type, with the addresses and keys of these hosts."""
    page = (ANSIBLE.parent / "docs/operator.md").read_text(encoding="utf-8")
    section = page.partition("## To another host\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    for name, host in (("OLD", old), ("NEW", new)):
        blocks = [block.replace(f"ssh root@{name}", shlex.join(host.ssh("")[:-2])) for block in blocks]
    return blocks


def _bash(commands: str) -> str:
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _run(command: list[str], settings: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(command, cwd=ANSIBLE, env={**os.environ, "PATH": path, "ANSIBLE_NOCOLOR": "1", **(settings or {})},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          timeout=SCENARIO_SECONDS)


def _pay(scenario: Scenario, host: Host, token: str) -> None:
    wallet = Wallet(host.address, domain=DOMAIN, root=scenario.root)
    try:
        assert wallet.ask(PAY, {"idempotencyKey": str(uuid4()), "to": "bilal", "amount": "12.50"}, token=token)["errors"] == []
    finally:
        wallet.close()
