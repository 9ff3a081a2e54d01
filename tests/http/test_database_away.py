"""While the database is down, each edge answers 503 in its own format. When it is back, everything works again."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from app import migrations
from app.devdb import find_programs, temporary_cluster
from tests.conftest import CLUSTER_SETTINGS, memory_with_room
from tests.gunicorn import Served, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.devdb import Cluster

RECOVERY_LIMIT_SECONDS = 10
QUERY = json.dumps({"query": "{ users { totalCount } }"})


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with temporary_cluster(find_programs(), CLUSTER_SETTINGS, parent=memory_with_room()) as made:
        migrations.upgrade(made.url(role="payment_system_owner"))
        yield made


def ask(served: Served, method: str, path: str, body: str | None = None) -> tuple[int, dict[str, str], str]:
    place = urlsplit(served.address)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=30)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        return answer.status, {name.title(): text for name, text in answer.getheaders()}, answer.read().decode()
    finally:
        connection.close()


def test_while_the_database_is_down_each_edge_says_so_and_later_serves_again(cluster: Cluster) -> None:
    with serving(cluster.url()) as served:
        assert ask(served, "GET", "/")[0] == 200
        assert ask(served, "POST", "/graphql", QUERY)[0] == 200
        cluster.stop()

        status, headers, page = ask(served, "GET", "/")
        assert (status, headers["Retry-After"], headers["Content-Type"]) == (503, "5", "text/html; charset=utf-8")
        assert "cannot reach its books right now" in page
        status, headers, text = ask(served, "POST", "/graphql", QUERY)
        assert (status, headers["Retry-After"]) == (503, "5")
        assert json.loads(text)["errors"][0]["extensions"]["code"] == "CONFLICT_RETRY"
        for shown in (page, text):
            assert not any(inside in shown for inside in ("Traceback", "psycopg2", "PGSQL", "socket", "sqlalchemy", "SELECT"))
        status, headers, _ = ask(served, "GET", "/readyz")
        assert (status, headers["Retry-After"]) == (503, "5")
        assert ask(served, "GET", "/healthz")[0] == 200

        cluster.start(CLUSTER_SETTINGS)
        back = time.monotonic()
        while ask(served, "GET", "/")[0] != 200:
            assert time.monotonic() - back < RECOVERY_LIMIT_SECONDS
        assert ask(served, "POST", "/graphql", QUERY)[0] == 200
        assert ask(served, "GET", "/readyz")[0] == 200
    assert not any('"bug"' in line for line in served.log)
