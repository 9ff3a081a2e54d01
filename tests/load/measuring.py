"""Owns one measurement: so many seconds of load by HTTP or by pgbench, what came of it, and the processor time that it took where."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from app.database import PLANNING_OPTIONS
from tests.load.accounting import cpu_seconds
from tests.load.generator import Order, Outcome, Request
from tests.load.stage import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.load.stage import Stage

# What a measurement may take beyond its own seconds: settling, and the answers still under way at its end.
BEYOND_SECONDS: Final = 90
POSTED: Final = "SELECT coalesce(sum(entry_count), 0)::bigint / 2 FROM ledger.accounts"


class WrongResultError(Exception):
    """The load was not answered as it should be, so its speed means nothing."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one measurement found; what does not apply is None."""

    rate: float
    """Operations a second."""
    mean_ms: float
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    app_cpu_ms: float | None = None
    """Gunicorn's processor time for one operation."""
    database_cpu_ms: float | None = None
    generator_cpu_ms: float | None = None


def over_http(
    stage: Stage, database: str, mix: list[Request], *, connections: int, seconds: float, operations: int = 1, posts: bool = False,
) -> Figures:
    """Ask gunicorn on these many connections.

    Args:
        operations: how many payments each request holds.
        posts: each operation must be in the books afterwards, and no other.

    Raises: WrongResultError
    """
    web = stage.web(database)
    before = cpu_seconds(web.process_id), cpu_seconds(stage.database_process_id)
    order = Order(host="127.0.0.1", port=web.port, connections=connections, mix=mix, seconds=seconds)
    outcome = _counted(stage, database, lambda: generate(order), operations if posts else None)
    app, postgres = cpu_seconds(web.process_id) - before[0], cpu_seconds(stage.database_process_id) - before[1]
    done = outcome.answered * operations
    return Figures(
        rate=outcome.measured * operations / outcome.seconds,
        mean_ms=outcome.latencies_ms["mean"], p50_ms=outcome.latencies_ms["p50"], p95_ms=outcome.latencies_ms["p95"],
        p99_ms=outcome.latencies_ms["p99"],
        app_cpu_ms=app / done * 1000, database_cpu_ms=postgres / done * 1000, generator_cpu_ms=outcome.own_cpu_seconds / done * 1000,
    )


def generate(order: Order) -> Outcome:
    """Have the load made in a process of its own. Raises: WrongResultError for an answer that is not the one expected."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.load.generator"], cwd=CHECKOUT, input=json.dumps(asdict(order)), check=False,
        capture_output=True, text=True, timeout=order.seconds + BEYOND_SECONDS,
    )
    if done.returncode:
        raise WrongResultError(f"the load could not be made: {done.stderr[-600:]}")
    outcome = Outcome(**json.loads(done.stdout))
    if outcome.failures or not outcome.measured:
        raise WrongResultError(f"{outcome.failures} of {outcome.answered} answers were not as expected; the first: {outcome.failure}")
    return outcome


def _counted(stage: Stage, database: str, ask: Callable[[], Outcome], operations: int | None) -> Outcome:
    if operations is None:
        return ask()
    posted = stage.query(database, POSTED)[0][0]
    outcome = ask()
    found = stage.query(database, POSTED)[0][0] - posted
    if found != outcome.answered * operations:
        raise WrongResultError(f"{outcome.answered} requests of {operations} were answered, and {found} payments are in the books")
    return outcome


def by_pgbench(
    stage: Stage, database: str, script: str | None, *, clients: int, seconds: float, role: str = "payment_system",
    operations: int = 1, posts: bool = False, variables: Mapping[str, int | str] | None = None,
) -> Figures:
    """Run a script of SQL by pgbench over prepared statements: what PostgreSQL can do when nothing stands before it.

    Args:
        script: None for pgbench's own, TPC-B.
        operations: how many payments a run of the script makes.
        posts: each of them must be in the books afterwards.

    Raises: WrongResultError
    """
    threads = min(clients, os.cpu_count() or 1)
    command = [stage.cluster.programs.path("pgbench"), "--no-vacuum", "--protocol=prepared", f"--client={clients}", f"--jobs={threads}",
               f"--time={max(1, round(seconds))}", f"--host={stage.cluster.socket_folder}", "--port=5432", f"--username={role}"]
    command += [f"--define={name}={value}" for name, value in (variables or {}).items()]
    if script is not None:
        command += [f"--file={_kept(stage.folder, script)}"]
    before, posted = cpu_seconds(stage.database_process_id), stage.query(database, POSTED)[0][0] if posts else 0
    done = subprocess.run(
        [*command, database], env={**os.environ, "PGOPTIONS": PLANNING_OPTIONS}, check=False, capture_output=True, text=True,
        timeout=seconds + BEYOND_SECONDS,
    )
    if done.returncode:
        raise WrongResultError(f"pgbench: {done.stderr.strip()[-600:]}")
    postgres = cpu_seconds(stage.database_process_id) - before
    transactions = int(_found(r"actually processed: (\d+)", done.stdout))
    if posts and (found := stage.query(database, POSTED)[0][0] - posted) != transactions * operations:
        raise WrongResultError(f"pgbench ran {transactions} transactions of {operations}, and {found} payments are in the books")
    return Figures(
        rate=float(_found(r"tps = ([0-9.]+)", done.stdout)) * operations,
        mean_ms=float(_found(r"latency average = ([0-9.]+) ms", done.stdout)),
        database_cpu_ms=postgres / (transactions * operations) * 1000,
    )


def _kept(folder: Path, script: str) -> Path:
    path = folder / "script.sql"
    path.write_text(script, encoding="utf-8")
    return path


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise WrongResultError(f"pgbench said nothing of {pattern}:\n{text}")
    return found[1]
