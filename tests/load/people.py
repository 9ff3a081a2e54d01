"""Owns the subjects of people at a browser: logging in, the home page, and how gunicorn starts and what memory it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.load import asking
from tests.load.accounting import children, proportional_megabytes
from tests.load.generator import Order
from tests.load.measuring import generate, over_http
from tests.load.payments import DATABASE, PAYERS
from tests.load.rounds import Found, Subject
from tests.load.stage import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.load.choices import Choices
    from tests.load.measuring import Figures
    from tests.load.rounds import Results, Say
    from tests.load.stage import Stage

MEMORY_LIMIT_SECONDS: Final = 900
MEMORY_CONNECTIONS: Final = 64
START_NAME: Final = "start to first answer, seconds"


def subjects() -> Iterator[Subject]:
    """Logging in and the home page."""
    yield Subject("log in, 4 connections", "people", log_in)
    yield Subject("home page, 16 connections", "people", home_page)


def log_in(stage: Stage, seconds: float) -> Figures:
    """A login by password: one hash of Argon2id, which is meant to take its time."""
    return over_http(stage, DATABASE, [asking.log_in(PAYERS)], connections=4, seconds=seconds)


def home_page(stage: Stage, seconds: float) -> Figures:
    """The first page, for nobody in particular."""
    return over_http(stage, DATABASE, [asking.home_page()], connections=16, seconds=seconds)


def memory_name(requests: int) -> str:
    """What the memory after so many requests is called in the results."""
    return f"MB a worker after {requests:,} requests"


def start_and_memory(stage: Stage, results: Results, choices: Choices, say: Say) -> None:
    """How long gunicorn takes to its first answer, and what a worker of it holds after so many requests of all kinds."""
    starts = []
    for _ in range(choices.starts):
        with serving(stage, DATABASE) as web:
            starts.append(web.start_seconds)
    results.facts[START_NAME] = Found.of(starts)
    pay = asking.send_payment(PAYERS, PAYERS)
    mix = [pay, asking.wallet(PAYERS[0]), pay, asking.home_page()]
    with serving(stage, DATABASE) as web:
        done = 0
        for count in choices.memory_after:
            generate(Order(host="127.0.0.1", port=web.port, connections=MEMORY_CONNECTIONS, mix=mix,
                           seconds=MEMORY_LIMIT_SECONDS, requests=count - done))
            done = count
            results.facts[memory_name(count)] = Found.of(proportional_megabytes(each) for each in children(web.process_id))
            say(f"{memory_name(count)}: {results.facts[memory_name(count)].median:.1f}")
