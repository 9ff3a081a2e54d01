"""Owns the subjects of people at a browser: logging in, three pages, and how gunicorn starts and what memory it holds."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

from app.identity.passwords import CONTEXT
from tests.load import asking
from tests.load.accounting import children, proportional_megabytes
from tests.load.generator import Order
from tests.load.history import PASSWORD
from tests.load.measuring import Figures, generate, over_http
from tests.load.payments import DATABASE, PAYERS, SHOP
from tests.load.rounds import Found, Subject
from tests.load.stage import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.load.choices import Choices
    from tests.load.rounds import Results, Say
    from tests.load.stage import Stage

MEMORY_LIMIT_SECONDS: Final = 900
MEMORY_CONNECTIONS: Final = 64
START_NAME: Final = "start to first answer, seconds"
# One at a time is compared with the hash alone: side by side, hashes take each other's cache and cost up to a third more.
LOG_IN: Final = "log in, 1 connection"
HASH_ALONE: Final = "Argon2id alone, 1 process"
API_WALLET: Final = "the wallet of the pages by the API, 16 connections"
PAGES: Final = {"home page": "/", "wallet page": "/wallet", "pay form": "/pay"}
PAGE_CONNECTIONS: Final = 16


def subjects() -> Iterator[Subject]:
    """Logging in, and the hash that it is made of; pages of somebody who is signed in, and the API's answer on the same wallet."""
    yield Subject("log in, 4 connections", "people", partial(log_in, connections=4))
    yield Subject(LOG_IN, "people", partial(log_in, connections=1))
    yield Subject(HASH_ALONE, "people", hash_alone)
    yield Subject(API_WALLET, "people", api_wallet)
    for page, path in PAGES.items():
        yield Subject(page_name(page), "people", partial(shown, path=path))


def page_name(page: str) -> str:
    """What a page is called in the results."""
    return f"{page}, {PAGE_CONNECTIONS} connections"


def log_in(stage: Stage, seconds: float, *, connections: int) -> Figures:
    """A login by password: one hash of Argon2id, which is meant to take its time."""
    return over_http(stage, DATABASE, [asking.log_in(PAYERS)], connections=connections, seconds=seconds)


def hash_alone(stage: Stage, seconds: float) -> Figures:
    """The same hash verified in plain Python, in a process of its own."""
    ((stored,),) = stage.query(DATABASE, f"SELECT password_hash FROM users WHERE username = '{PAYERS[0]}'")
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        count, cpu_seconds = process.submit(_verified, stored, seconds).result()
    return Figures(rate=count / seconds, mean_ms=seconds / count * 1000, app_cpu_ms=cpu_seconds / count * 1000)


def _verified(stored: str, seconds: float) -> tuple[int, float]:
    """How many times the password was verified, and the processor time of that."""
    CONTEXT.verify_and_update(PASSWORD, stored)  # the first one loads what it needs
    count, began_cpu, end = 0, time.process_time(), time.monotonic() + seconds
    while time.monotonic() < end:
        assert CONTEXT.verify_and_update(PASSWORD, stored)[0]
        count += 1
    return count, time.process_time() - began_cpu


def api_wallet(stage: Stage, seconds: float) -> Figures:
    """The balance and the last 20 entries by GraphQL, of the person whose pages are asked for."""
    return over_http(stage, DATABASE, [asking.wallet(SHOP)], connections=PAGE_CONNECTIONS, seconds=seconds)


def shown(stage: Stage, seconds: float, *, path: str) -> Figures:
    """A page of the person who has the long history."""
    return over_http(stage, DATABASE, [asking.page(path, SHOP)], connections=PAGE_CONNECTIONS, seconds=seconds)


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
    mix = [pay, asking.wallet(PAYERS[0]), pay, asking.page("/", PAYERS[0])]
    with serving(stage, DATABASE) as web:
        done = 0
        for count in choices.memory_after:
            generate(Order(host="127.0.0.1", port=web.port, connections=MEMORY_CONNECTIONS, mix=mix,
                           seconds=MEMORY_LIMIT_SECONDS, requests=count - done))
            done = count
            results.facts[memory_name(count)] = Found.of(proportional_megabytes(each) for each in children(web.process_id))
            say(f"{memory_name(count)}: {results.facts[memory_name(count)].median:.1f}")
