"""What the tests of the deployment share: hosts of both Debians, bare or serving, or the reason why this machine has none; customers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.infra.customers import join
from tests.infra.deploying import Played, inventory_of, make
from tests.infra.hosts import RELEASES, Hosts, NoHostsError, hosts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.infra.hosts import Host

Tokens = Callable[["Host"], dict[str, str]]

# They look at hosts that nobody has deployed to, and at what the first deploy alone has done or others do again. All others follow.
FIRST = ("tests/infra/test_hosts.py", "tests/infra/test_first_deploy.py", "tests/infra/test_collection.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of bare hosts and of the first deploy before those that change what the shared hosts serve."""
    order = {module: place for place, module in enumerate(FIRST)}
    items.sort(key=lambda item: order.get(item.nodeid.partition("::")[0], len(FIRST)))


@pytest.fixture(scope="session")
def network() -> Iterator[Hosts]:
    """A network to start hosts on: `network.start("debian-13", "neighbour")`. They are gone after the run."""
    try:
        with hosts() as started:
            yield started
    except NoHostsError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def debian_12(network: Hosts) -> Host:
    return network.start(RELEASES[0])


@pytest.fixture(scope="session")
def debian_13(network: Hosts) -> Host:
    return network.start(RELEASES[1])


@pytest.fixture(scope="session")
def first_run(network: Hosts, debian_12: Host, debian_13: Host) -> Played:
    """`make deploy` on two bare hosts."""
    assert debian_12.release != debian_13.release
    done = make("deploy", inventory_of(network))
    assert done.exit_status == 0, done.output[-5000:]
    return done


@pytest.fixture(params=RELEASES)
def host(request: pytest.FixtureRequest, first_run: Played) -> Host:
    """A host that serves."""
    assert first_run.changed
    deployed: Host = request.getfixturevalue(request.param.replace("-", "_"))
    return deployed


@pytest.fixture
def one_host(first_run: Played, debian_13: Host) -> Host:
    """A host that serves, for what is our own doing and no different on the other Debian."""
    assert first_run.changed
    return debian_13


@pytest.fixture(scope="session")
def tokens() -> Tokens:
    """Some customers of a host, who joined by HTTPS, with their tokens."""
    joined: dict[str, dict[str, str]] = {}

    def of(host: Host) -> dict[str, str]:
        if host.name not in joined:
            joined[host.name] = {name: join(host.address, name) for name in (f"person-{place}" for place in range(8))}
        return joined[host.name]

    return of
