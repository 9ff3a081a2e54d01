"""A wallet in containers: one `up` brings it, nothing in it can do more than it has to, and its books outlive its containers."""

from __future__ import annotations

import re
import runpy
import subprocess
from dataclasses import fields
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import yaml

from app.settings import Settings, setting_name
from tests.infra.composed import BUILD_RELEASE, CHECKOUT, COMPOSE, IMAGES, composed
from tests.infra.customers import PAY, Wallet, join
from tests.infra.hosts import PODMAN, NoHostsError, podman

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.infra.composed import Composed

hosts = pytest.mark.hosts
LONG = pytest.mark.timeout(900)
SERVICES = ("app", "database", "migrations")
RUNNING = ("app", "database")
ACCOUNTS = {"app": 10001, "database": 10000, "migrations": 10002}
CONTENT = runpy.run_path(str(BUILD_RELEASE))["CONTENT"]
CONTAINERFILES = sorted(COMPOSE.parent.glob("*/Containerfile"))
# Any attempt to reach the database as another role than one's own, from within a container.
CONNECT = "import psycopg2; psycopg2.connect(dbname='payment_system', host='/run/postgresql', user='{}').cursor().execute({!r})"


@pytest.fixture(scope="module")
def wallet() -> Iterator[Composed]:
    """A wallet in containers, up and ready."""
    try:
        with composed() as started:
            started.up()
            yield started
    except NoHostsError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    read = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    assert isinstance(read, dict)
    return read


def test_every_setting_can_be_set_and_no_secret_is_written_down(described: dict[str, Any]) -> None:
    given = described["services"]["app"]["environment"]
    own = {setting_name(each.name, each.metadata["name"]) for each in fields(Settings)}
    own -= {"DATABASE_OWNER_URL", "PAYMENT_SYSTEM_RELEASE_ID"}
    assert set(given) == own | {"WEB_CONCURRENCY"}
    assert all(given[name] == f"${{{name}:-}}" for name in own - {"DATABASE_URL"})
    for service in described["services"].values():
        assert "secrets" not in service
        assert "password" not in str({**service.get("environment", {}), "PAYMENT_SYSTEM_PASSWORD_MINIMUM_CHARACTERS": ""}.values()).lower()


def test_every_service_is_walled_in(described: dict[str, Any]) -> None:
    assert set(described["services"]) == set(SERVICES)
    for service in described["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not {"privileged", "cap_add", "pid", "ipc"} & set(service)
    assert [name for name, service in described["services"].items() if service.get("network_mode") != "none"] == ["app"]
    assert all(each.startswith("127.0.0.1:") for each in described["services"]["app"]["ports"])


@pytest.mark.parametrize("path", CONTAINERFILES, ids=lambda path: path.parent.name)
def test_the_base_is_an_argument_and_the_same_everywhere(path: Path, described: dict[str, Any]) -> None:
    written = path.read_text(encoding="utf-8")
    (default,) = re.findall(r"^ARG BASE=(\S+)$", written, re.MULTILINE)
    built = {name: service["build"] for name, service in described["services"].items()}
    assert all(build["args"] == {"BASE": f"${{WAVE_BASE:-{default}}}"} for build in built.values())
    assert set(re.findall(r"^FROM (\S+)", written, re.MULTILINE)) <= {"${BASE}", "python"}
    assert {build["dockerfile"] for build in built.values()} == {str(each.relative_to(CHECKOUT)) for each in CONTAINERFILES}


def test_the_image_holds_what_a_deploy_sends() -> None:
    written = (COMPOSE.parent / "app/Containerfile").read_text(encoding="utf-8").rpartition("FROM python")[2]
    copied = [word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", written, re.MULTILINE) for word in line.split()]
    assert sorted(copied) == sorted(CONTENT)
    let_in = re.findall(r"^!(\S+)$", (CHECKOUT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(let_in) == sorted([*CONTENT, "containers/database"])


@hosts
@LONG
def test_people_register_and_pay_and_the_books_outlive_a_restart(wallet: Composed) -> None:
    tokens = {name: join(wallet.address, name) for name in ("amara", "bilal")}
    _pay(wallet, tokens["amara"], "12.50")
    podman("restart", wallet.container("app"))
    wallet.wait_until_ready()
    assert _balances(wallet) == {"amara": "£987.50", "bilal": "£1,012.50"}
    _pay(wallet, tokens["amara"], "0.50")
    assert wallet.run("app", "flask", "ledger", "verify").startswith("The books balance")


@hosts
@LONG
def test_all_of_it_comes_again_with_its_books(wallet: Composed) -> None:
    join(wallet.address, "chidi")
    assert wallet.compose("down").returncode == 0
    wallet.up()
    assert _balances(wallet)["chidi"] == "£1,000.00"
    assert "Nothing to do" in podman("logs", wallet.container("migrations"))


@hosts
@LONG
@pytest.mark.parametrize("service", RUNNING)
def test_a_service_that_was_killed_comes_back_by_itself(wallet: Composed, service: str) -> None:
    before = wallet.inspect(service)["State"]["Pid"]
    wallet.kill(service)
    wallet.wait_until_ready()
    assert wallet.inspect(service)["State"]["Pid"] != before
    assert wallet.run("app", "flask", "ledger", "verify").startswith("The books balance")


@hosts
@LONG
@pytest.mark.parametrize("service", RUNNING)
def test_a_service_is_nobody_and_can_change_nothing_of_its_image(wallet: Composed, service: str) -> None:
    lines = dict(line.split(":\t", 1) for line in wallet.run(service, "cat", "/proc/1/status").splitlines() if ":\t" in line)
    assert set(lines["Uid"].split()) == {str(ACCOUNTS[service])}
    assert {name: int(lines[name], 16) for name in ("CapPrm", "CapEff", "CapBnd")} == {"CapPrm": 0, "CapEff": 0, "CapBnd": 0}
    assert lines["NoNewPrivs"] == "1"
    for place in ("/", "/opt", "/etc", "/usr/local/bin"):
        assert "Read-only file system" in wallet.attempt(service, "touch", f"{place}/trial", user="0").stderr
    assert wallet.inspect(service)["HostConfig"]["Privileged"] is False


@hosts
@LONG
def test_no_compiler_and_no_installer_is_left_in_the_image(wallet: Composed) -> None:
    assert wallet.attempt("app", "sh", "-c", "command -v gcc cc c++ make pip pip3").stdout == ""
    assert "No module named pip" in wallet.attempt("app", "python", "-m", "pip").stderr
    assert "No module named pip" in wallet.attempt("app", "/usr/bin/python3", "-m", "pip").stderr


@hosts
@LONG
@pytest.mark.parametrize("role", ["payment_system_owner", "postgres"])
def test_the_app_cannot_be_who_owns_the_tables(wallet: Composed, role: str) -> None:
    refused = wallet.attempt("app", "python", "-c", CONNECT.format(role, "SELECT 1"))
    assert refused.returncode != 0
    assert re.search("Peer authentication failed|no pg_hba.conf entry", refused.stderr)


@hosts
@LONG
@pytest.mark.parametrize("statement", ["DELETE FROM ledger.entries", "DROP TABLE public.users", "CREATE TABLE public.trial ()"])
def test_the_apps_own_role_cannot_touch_the_books(wallet: Composed, statement: str) -> None:
    refused = wallet.attempt("app", "python", "-c", CONNECT.format("payment_system", statement))
    assert "InsufficientPrivilege" in refused.stderr


@hosts
@LONG
def test_the_database_is_on_no_network(wallet: Composed) -> None:
    cards = [line.split(":")[0].strip() for line in wallet.run("database", "cat", "/proc/net/dev").splitlines()[2:]]
    assert cards == ["lo"]
    assert len(wallet.run("database", "cat", "/proc/net/tcp", "/proc/net/tcp6").splitlines()) == 2


@hosts
@LONG
@pytest.mark.parametrize("service", RUNNING)
def test_its_health_check_says_that_it_serves(wallet: Composed, service: str) -> None:
    podman("healthcheck", "run", wallet.container(service))


@hosts
@LONG
def test_the_image_is_small(wallet: Composed, figure: Any) -> None:
    sizes = {name: int(podman("image", "inspect", "--format", "{{.Size}}", IMAGES[name])) / 1e6 for name in IMAGES}
    figure(f"image of the app {sizes['WAVE_IMAGE']:.0f} MB, of its database {sizes['WAVE_DATABASE_IMAGE']:.0f} MB, "
           f"of the Debian under both {sizes['WAVE_BASE']:.0f} MB")
    assert wallet.project
    assert sizes["WAVE_IMAGE"] - sizes["WAVE_BASE"] < 200


@hosts
@LONG
@pytest.mark.usefixtures("wallet")
def test_a_container_without_a_setting_that_it_needs_says_which() -> None:
    done = subprocess.run([PODMAN, "run", "--rm", "--no-healthcheck", IMAGES["WAVE_IMAGE"]], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "DATABASE_URL is not set: write an address such as postgresql://" in done.stderr.splitlines()[-1]


def _pay(wallet: Composed, token: str, amount: str) -> None:
    asked = Wallet(wallet.address)
    paid = asked.ask(PAY, {"idempotencyKey": str(uuid4()), "to": "bilal", "amount": amount}, token=token)
    asked.close()
    assert paid["errors"] == []


def _balances(wallet: Composed) -> dict[str, str]:
    """What the operator's command shows of each person."""
    listed = wallet.run("app", "flask", "users", "list").splitlines()
    return {found[1]: found[2] for line in listed if (found := re.match(r"(\w+) .*?(£[\d,.]+)", line))}
