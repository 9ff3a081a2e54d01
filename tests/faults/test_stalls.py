"""A database that stands still, has no room, or is busy with somebody's lock: every request ends in time, and all is well by itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import pytest

from tests.faults import network
from tests.faults.histories import judge, paying
from tests.faults.processes import frozen, postgres
from tests.faults.stand import PEOPLE, SERVING_AGAIN_SECONDS, Stand, stand
from tests.load.history import token_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Figure

pytestmark = pytest.mark.timeout(1800)

CLIENTS, PAYMENTS_BETWEEN = 16, 40
REQUEST_LIMIT_SECONDS = 15
FREEZES, FROZEN_SECONDS = 5, 10
LOCKED_SECONDS = 30
FULL_DISKS = 2
DISK_MEGABYTES = 400
WALLET = json.dumps({"query": "{ viewer { wallet { balance { amount } payments(first: 5) { nodes { id } } } } }"})
LEFT_OPEN = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'payment_system' AND state LIKE 'idle in transaction%'"


def test_a_frozen_postgresql_keeps_nobody_waiting_and_the_workers_recover(serving_stand: Stand, times: int, figure: Figure) -> None:
    workers, away = serving_stand.workers(), list[float]()
    with paying(serving_stand, clients=CLIENTS) as history:
        for _ in range(FREEZES * times):
            history.wait_for(PAYMENTS_BETWEEN)
            with frozen(postgres(serving_stand.cluster)):
                history.go_on_for(FROZEN_SECONDS)
            away.append(history.wait_for_ok(since=time.monotonic(), seconds=SERVING_AGAIN_SECONDS))
    judge(serving_stand, history)
    assert history.slowest_seconds < REQUEST_LIMIT_SECONDS
    assert serving_stand.workers() == workers
    figure(f"PostgreSQL frozen {FREEZES * times} times for {FROZEN_SECONDS} s: {history.told()}; "
           f"paid again after {max(away):.1f} s at most")


def test_a_lock_that_somebody_holds_keeps_nobody_waiting_and_leaves_no_transaction_open(
    serving_stand: Stand, times: int, figure: Figure
) -> None:
    held = closing(psycopg2.connect(serving_stand.cluster.url("wave", "postgres").replace("+psycopg2", "")))
    with paying(serving_stand, clients=CLIENTS) as history:
        history.wait_for(PAYMENTS_BETWEEN)
        with held as connection, connection.cursor() as cursor:
            # In the order of the ledger itself, or it would be in a deadlock with a payment.
            cursor.execute("SELECT FROM ledger.accounts ORDER BY id FOR UPDATE")
            end = time.monotonic() + LOCKED_SECONDS * times
            reads = 0
            while time.monotonic() < end:
                # Who only looks waits for nobody.
                assert _read(serving_stand, PEOPLE[reads % len(PEOPLE)]) == 200
                reads += 1
            assert history.unavailable > 0
        history.wait_for_ok(since=time.monotonic(), seconds=SERVING_AGAIN_SECONDS)
        assert serving_stand.ask(LEFT_OPEN) == [(0,)]
    judge(serving_stand, history)
    assert history.slowest_seconds < REQUEST_LIMIT_SECONDS
    figure(f"every account locked for {LOCKED_SECONDS * times} s: {history.told()}; {reads:,} reads meanwhile, all answered")


@pytest.mark.skipif(network.why_not() is not None, reason="a disk of its own needs root")
def test_a_full_disk_stops_payments_alone_and_they_go_on_when_there_is_room(times: int, figure: Figure) -> None:
    # With room in the files of its write-ahead log, as after some days, PostgreSQL meets the full disk where it adds to a table.
    room = {"min_wal_size": "128MB", "max_wal_size": "160MB"}
    with _small_disk() as disk, stand(disk, room) as full_stand:
        full_stand.serve()
        assert full_stand.ready(), full_stand.log()
        full_stand.fill_write_ahead_log()
        with paying(full_stand, clients=CLIENTS) as history:
            for _ in range(FULL_DISKS * times):
                history.wait_for(PAYMENTS_BETWEEN)
                ballast = _fill(disk)
                history.wait_for_unavailable(CLIENTS)
                assert _read(full_stand, PEOPLE[0]) == 200
                ballast.unlink()
                history.wait_for_ok(since=time.monotonic(), seconds=SERVING_AGAIN_SECONDS)
        judge(full_stand, history)
    figure(f"disk full {FULL_DISKS * times} times: {history.told()}; reads went on")


def _read(stand_: Stand, owner: str) -> int:
    with closing(HTTPConnection("127.0.0.1", stand_.port, timeout=REQUEST_LIMIT_SECONDS)) as connection:
        connection.request("POST", "/graphql", WALLET, {"Content-Type": "application/json", "Authorization": f"Bearer {token_of(owner)}"})
        return connection.getresponse().status


@contextmanager
def _small_disk() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wave-disk-") as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m,mode=0755", "wave-faults", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def _fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    assert shutil.disk_usage(disk).free == 0
    return ballast
