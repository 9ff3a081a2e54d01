"""Kill -9 under load, of PostgreSQL and of gunicorn: what was acknowledged stays, nothing is paid twice, the same id tells the rest."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.faults.histories import judge, paying
from tests.faults.processes import end_now, postgres, wait_for_end
from tests.faults.stand import SERVING_AGAIN_SECONDS, Stand
from tests.load.accounting import children

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Figure

pytestmark = pytest.mark.timeout(1800)

CLIENTS, PAYMENTS_BETWEEN = 16, 40
POSTGRES_KILLS, GUNICORN_KILLS_OF_A_KIND = 20, 10


def test_killing_all_of_postgresql_loses_and_doubles_nothing(serving_stand: Stand, times: int, figure: Figure) -> None:
    def kill() -> None:
        end_now(*postgres(serving_stand.cluster))
        serving_stand.cluster.start(serving_stand.settings)

    _kill_again_and_again(serving_stand, kill, POSTGRES_KILLS * times, "PostgreSQL", figure)


def _worker(stand: Stand) -> None:
    victim, *_ = stand.workers()
    end_now(victim)
    wait_for_end([victim], seconds=SERVING_AGAIN_SECONDS)


def _master(stand: Stand) -> None:
    assert stand.gunicorn
    workers = children(stand.gunicorn.pid)
    end_now(stand.gunicorn.pid)
    stand.gunicorn.wait()
    # As systemd does with what is left of a service whose main process is gone.
    end_now(*workers)
    wait_for_end(workers, seconds=SERVING_AGAIN_SECONDS)
    stand.serve()


def _all(stand: Stand) -> None:
    stand.end_gunicorn()
    stand.serve()


@pytest.mark.parametrize("kill", [_worker, _master, _all], ids=["a worker", "the master", "all"])
def test_killing_gunicorn_loses_and_doubles_nothing(
    serving_stand: Stand, times: int, kill: Callable[[Stand], None], figure: Figure
) -> None:
    what = f"gunicorn, {kill.__name__[1:]}"
    _kill_again_and_again(serving_stand, lambda: kill(serving_stand), GUNICORN_KILLS_OF_A_KIND * times, what, figure)


def _kill_again_and_again(stand: Stand, kill: Callable[[], None], kills: int, what: str, figure: Figure) -> None:
    away: list[float] = []
    with paying(stand, clients=CLIENTS) as history:
        for _ in range(kills):
            history.wait_for(PAYMENTS_BETWEEN)
            killed = time.monotonic()
            kill()
            away.append(history.wait_for_ok(since=killed, seconds=SERVING_AGAIN_SECONDS))
    judge(stand, history)
    figure(f"{what}: {kills} times kill -9 under load, {history.told()}; paid again after {max(away):.1f} s at most")

