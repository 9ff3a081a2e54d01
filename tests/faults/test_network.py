"""The network between gunicorn and PostgreSQL is cut under load, silently or not: every request ends, and nothing is lost."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

from tests.faults import network
from tests.faults.histories import judge, paying
from tests.faults.stand import SERVING_AGAIN_SECONDS, Stand, stand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Figure

pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.skipif(network.why_not() is not None, reason=network.why_not() or ""),
]

CLIENTS, PAYMENTS_BETWEEN, CUTS_OF_A_KIND = 16, 40, 5
SHORTEST_SECONDS, LONGEST_SECONDS = 1, 20
REQUEST_LIMIT_SECONDS = 15


@pytest.fixture
def cable() -> Iterator[network.Network]:
    made = network.Network()
    yield made
    made.close()


@pytest.fixture
def far_stand(cable: network.Network) -> Iterator[Stand]:
    """A wallet whose gunicorn reaches its PostgreSQL over a network."""
    with stand(settings={"listen_addresses": cable.here}) as made:
        made.allow(str(cable.addresses))
        made.database_url = f"postgresql+psycopg2://payment_system@{cable.here}:5432/wave"
        made.prefix = cable.prefix
        made.serve()
        assert made.ready(), made.log()
        yield made


@pytest.mark.parametrize("way", ["drop", "reset"])
def test_a_cut_network_loses_nothing_and_keeps_nobody_waiting(
    far_stand: Stand, cable: network.Network, way: network.Cut, times: int, figure: Figure
) -> None:
    chance = random.Random(1)  # noqa: S311 - reproducible, not secret
    # The shortest and the longest, and some between.
    lengths = [SHORTEST_SECONDS, LONGEST_SECONDS, *(chance.uniform(2, 8) for _ in range(CUTS_OF_A_KIND * times - 2))]
    away: list[float] = []
    with paying(far_stand, clients=CLIENTS) as history:
        for seconds in lengths:
            history.wait_for(PAYMENTS_BETWEEN)
            with cable.cut(way):
                history.go_on_for(seconds)
            healed = time.monotonic()
            away.append(history.wait_for_ok(since=healed, seconds=SERVING_AGAIN_SECONDS))
    judge(far_stand, history)
    assert history.slowest_seconds < REQUEST_LIMIT_SECONDS
    figure(f"network cut by {way} {len(lengths)} times, {min(lengths)}–{max(lengths)} s: {history.told()}; "
           f"paid again after {max(away):.1f} s at most")
