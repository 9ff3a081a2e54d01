"""What the tests of the deployment share: bare hosts of both Debians, or the reason why this machine has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.infra.hosts import RELEASES, Hosts, NoHostsError, hosts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.infra.hosts import Host


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
