"""A host whose clock is wrong: payments keep their order, and logins and tokens end when the database's clock says so.

Where it is the database's own clock that steps, an account's time goes forward all the same.
"""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import time
from contextlib import closing
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.devdb.folder import temporary_folder
from app.http import cookie_name
from tests.faults.histories import judge, paying
from tests.faults.stand import PEOPLE, Stand, stand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Figure

SOURCE = Path(__file__).with_name("clock.c")
pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("gcc") is None, reason="a wrong clock needs gcc: on Debian, apt-get install gcc libc6-dev"),
]

CLIENTS, PAYMENTS_AFTER_A_SHIFT = 8, 200
REQUEST_LIMIT_SECONDS = 15
# In the order of an account's entry numbers, no moment comes after the next one's; and all of them are the database's.
OUT_OF_ORDER = """
    SELECT count(*) FILTER (WHERE created_at < before), count(*) FILTER (WHERE created_at > now() OR created_at < '{began}'), count(*)
    FROM (SELECT entries.created_at, lag(entries.created_at) OVER (PARTITION BY account_id ORDER BY number) AS before
        FROM ledger.entries JOIN ledger.transfers t ON t.id = transfer_id AND t.kind = 'payment') AS entry
"""
DAY_SECONDS = 86_400
HOUR_SECONDS = 3_600
# Where the search for a moment by entry number, as date filters do it, finds another entry than a look at all of them.
FOUND_WRONGLY = """
    SELECT count(*) FROM (SELECT account_id, created_at, max(number) AS last FROM ledger.entries GROUP BY account_id, created_at) AS seen
    WHERE ledger.entry_number_at(account_id, created_at) <> last
"""
STOOD_STILL = """
    SELECT count(*) FROM (SELECT created_at = lag(created_at) OVER (PARTITION BY account_id ORDER BY number) AS again
        FROM ledger.entries) AS entry WHERE again
"""


class Clock:
    """What the programs that were started with it take for the date."""

    def __init__(self, folder: Path) -> None:
        self._file, library = folder / "clock", folder / "clock.so"
        self.set(0)
        subprocess.run(["gcc", "-Wall", "-Werror", "-O2", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
        self.environment = {"LD_PRELOAD": str(library), "WAVE_CLOCK": str(self._file)}

    def set(self, offset_seconds: int) -> None:
        """So far from the truth. In place: whoever has the file open sees it."""
        with self._file.open("r+b" if self._file.exists() else "wb", buffering=0) as file:
            file.write(struct.pack("=q", offset_seconds))


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path)


@pytest.fixture
def off_stand(clock: Clock) -> Iterator[Stand]:
    """A wallet that serves on a host with this clock; PostgreSQL's is right."""
    with stand() as made:
        made.environment = clock.environment
        made.serve()
        assert made.ready(), made.log()
        yield made


def test_a_clock_that_is_a_day_off_changes_neither_the_order_of_payments_nor_when_a_login_ends(
    off_stand: Stand, clock: Clock, times: int, figure: Figure
) -> None:
    made = off_stand
    fresh, over = _login(made, PEOPLE[0], age="0"), _login(made, PEOPLE[0], age="25 hours")
    ((began,),) = made.ask("SELECT now()")
    shifts = [DAY_SECONDS, -DAY_SECONDS, DAY_SECONDS] * times
    with paying(made, clients=CLIENTS) as history:
        for shift in shifts:
            clock.set(shift)
            history.wait_for(PAYMENTS_AFTER_A_SHIFT)
            assert abs(_log_seconds(made) - time.time()) > DAY_SECONDS / 2, "the clock was not wrong"
            assert _status(made, "/wallet", fresh) == 200
            assert _status(made, "/wallet", over) == 303
    judge(made, history)
    assert made.ask(OUT_OF_ORDER.format(began=began)) == [(0, 0, 2 * history.count("ok"))]
    figure(f"clock a day off {len(shifts)} times: {history.told()}; every account's payments in the order of their numbers")


@pytest.fixture
def stand_with_clock() -> Iterator[tuple[Stand, Clock]]:
    """A wallet that serves, and the clock of its PostgreSQL."""
    with temporary_folder() as folder:
        clock = Clock(folder)
        with stand(environment=clock.environment) as made:
            made.serve()
            assert made.ready(), made.log()
            yield made, clock


def test_an_accounts_time_goes_forward_while_postgresqls_own_clock_steps_to_and_fro(
    stand_with_clock: tuple[Stand, Clock], times: int, figure: Figure
) -> None:
    made, clock = stand_with_clock
    shifts = [HOUR_SECONDS, 0, -HOUR_SECONDS, 2 * HOUR_SECONDS, 0] * times
    with paying(made, clients=CLIENTS) as history:
        for shift in shifts:
            clock.set(shift)
            history.wait_for(PAYMENTS_AFTER_A_SHIFT)
            ((seconds,),) = made.ask("SELECT extract(epoch FROM clock_timestamp())::float")
            assert abs(seconds - time.time() - shift) < HOUR_SECONDS / 2, "the clock did not step"
    judge(made, history)  # by `ledger verify`, too, which knows this rule
    assert made.ask(OUT_OF_ORDER.format(began="-infinity").replace("created_at > now()", "false")) == [(0, 0, 2 * history.count("ok"))]
    assert made.ask(FOUND_WRONGLY) == [(0,)]
    ((stood_still,),) = made.ask(STOOD_STILL)
    assert stood_still > PAYMENTS_AFTER_A_SHIFT  # so the clock was behind an entry, and payments went on
    figure(f"PostgreSQL's clock stepped {len(shifts)} times: {history.told()}; {stood_still:,} entries with the moment of the one before")


def _login(made: Stand, username: str, *, age: str) -> str:
    """The token of somebody's login that is so old by the database's clock."""
    token = f"fault-{age.replace(' ', '-')}"
    made.ask("INSERT INTO logins (id, user_id, token_sha256, user_agent, created_at) "
             f"SELECT gen_random_uuid(), id, sha256('{token}'), 'tests', now() - interval '{age}' FROM users WHERE username = '{username}' "
             "RETURNING id")
    return token


def _status(made: Stand, path: str, token: str) -> int:
    with closing(HTTPConnection("127.0.0.1", made.port, timeout=REQUEST_LIMIT_SECONDS)) as connection:
        connection.request("GET", path, headers={"Cookie": f"{cookie_name(secure=True)}={token}"})
        return connection.getresponse().status


def _log_seconds(made: Stand) -> float:
    """The moment that the wallet's last line of its log names."""
    return datetime.fromisoformat(json.loads(made.log().splitlines()[-1])["time"]).timestamp()
