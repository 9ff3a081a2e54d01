"""Owns `make bench`: one run from an empty folder to the table of bars. Ends only what it started, and ends by itself."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Final, NoReturn

from psycopg2.extensions import set_wait_callback
from psycopg2.extras import wait_select
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from app import ledger
from tests.load import catalogue, payments, people, report, rounds
from tests.load.choices import read_choices
from tests.load.measuring import WrongResultError
from tests.load.stage import BenchError, free_gigabytes, place_on_disk, staged

if TYPE_CHECKING:
    from tests.load.choices import Choices
    from tests.load.stage import Stage

# A full run takes some 25 minutes; one that is far beyond is stuck.
LIMIT_SECONDS: Final = 90 * 60
# Ten million entries with their counterparts, transfers and indexes, and the write-ahead log beside them.
GIGABYTES_PER_ENTRY: Final = 1.2e-6
SPARE_GIGABYTES: Final = 8


def main() -> int:
    """Measure what was chosen; returns the exit status: 1 when the bench could not be run or something was answered wrongly."""
    choices = read_choices(sys.argv[1:])
    # So that a signal is heard while PostgreSQL works, too: libpq's own waiting would first await the answer.
    set_wait_callback(wait_select)
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(each, _stop)
    signal.alarm(LIMIT_SECONDS)
    begun, load_before = time.monotonic(), os.getloadavg()[0]

    def say(line: str) -> None:
        print(f"{time.monotonic() - begun:7.1f} s  {line}", file=sys.stderr, flush=True)  # noqa: T201 - progress is for people

    try:
        results, on = _measure(choices, load_before, say)
    except (BenchError, WrongResultError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - as above
        return 1
    took = time.monotonic() - begun
    if not (choices.only or choices.short):
        report.write(results, choices, on, took)
    if choices.json:
        print(json.dumps(report.as_json(results, choices, on, took), indent=1, ensure_ascii=False))  # noqa: T201 - as above
    else:
        print(report.as_markdown(results, choices, on, took))  # noqa: T201 - as above
    return 1 if results.failures else 0


def _measure(choices: Choices, load_before: float, say: rounds.Say) -> tuple[rounds.Results, report.Machine]:
    _check_room(choices)
    chosen = catalogue.subjects(choices)
    databases = catalogue.databases(choices, chosen, say)
    with staged(databases) as stage:
        on = report.machine(stage, load_before)
        say(f"filled; PostgreSQL {on.postgresql}, {on.file_system}, {on.sync_milliseconds} ms for a commit of 8 kB, load {load_before:.1f}")
        catalogue.prepare_tpc_b(stage)
        _verify(stage, list(databases), say)
        results = rounds.run(stage, chosen, rounds=choices.rounds, seconds=choices.seconds, say=say, limit_seconds=choices.limit_seconds)
        if not choices.only or choices.only in catalogue.MEMORY_GROUP:
            people.start_and_memory(stage, results, choices, say)
        _verify(stage, [payments.DATABASE], say)
    return results, on


def _verify(stage: Stage, databases: list[str], say: rounds.Say) -> None:
    """Whether every book still balances. Raises: WrongResultError"""
    for name in databases:
        # Rows came faster than autovacuum looks: with the figures of before, the checks would be planned for a tenth of them.
        stage.query(name, "ANALYZE")
        engine = create_engine(stage.cluster.url(name, "payment_system"))
        with Session(engine) as session:
            found = ledger.verify(session)
        engine.dispose()
        if found:
            raise WrongResultError(f"the books of {name} do not balance: {found[0]}")
        say(f"the books of {name} balance")


def _check_room(choices: Choices) -> None:
    needed = SPARE_GIGABYTES + max(choices.depths) * GIGABYTES_PER_ENTRY
    place = place_on_disk()
    if (free := free_gigabytes(place)) < needed:
        raise BenchError(f"{place} has {free:.0f} GB left and {needed:.0f} are needed: name a disk with more room by TMPDIR=…, or --short.")


def _stop(number: int, _frame: object) -> NoReturn:
    raise BenchError(f"stopped by {signal.Signals(number).name}")


if __name__ == "__main__":
    sys.exit(main())
