"""What a run leaves behind, from figures that are written here: the bars, the tables, the chart."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.load import bars, report
from tests.load.generator import Request, new_key, summary
from tests.load.measuring import Figures, WrongResultError
from tests.load.rounds import Found, Results, Subject, run

MACHINE = report.Machine(
    processor="Abacus", processors=2, memory_gigabytes=8, file_system="ext4", sync_milliseconds=1.5, postgresql="15.1", python="3.11.1",
    load_before=0.25,
)


def subject(name: str, rates: list[float], **others: float) -> Subject:
    """Gives the first rate in the warm-up, and one more in each round."""
    left = iter(rates)
    return Subject(name, "any", lambda _stage, _seconds: Figures(rate=next(left), mean_ms=1.0, **others))


def wrong(_stage: object, _seconds: float) -> Figures:
    raise WrongResultError("one penny is missing")


def measured() -> Results:
    stage: Any = None  # these subjects measure nothing
    subjects = [
        subject(bars.LIMIT, [1.0, 1000.0, 2000.0, 3000.0]),
        subject(bars.AT_64, [1.0, 800.0, 1000.0, 2400.0], p50_ms=10.0, p99_ms=60.0, app_cpu_ms=0.4),
        Subject("broken", "any", wrong),
    ]
    return run(stage, subjects, rounds=3, seconds=1, say=lambda _: None)


def test_a_ratio_is_taken_round_by_round_and_the_warm_up_is_in_none() -> None:
    results = measured()
    assert results.found(bars.AT_64) == Found(1000.0, 800.0, 2400.0)
    assert results.ratio(bars.AT_64, bars.LIMIT) == Found(0.8, 0.5, 0.8)
    assert results.ratio(bars.AT_64, "never measured") is None
    assert results.beyond(bars.AT_64, bars.LIMIT, "rate") == Found(-600.0, -1000.0, -200.0)
    assert results.failures == {"broken": "one penny is missing"}


def test_each_bar_says_whether_it_is_met() -> None:
    rows = {row[0]: row[1:] for row in bars.rows(measured())}
    assert rows["`sendPayment` over HTTP, 64 connections, against the function under pgbench, 16 clients"] == (
        "≥ 0.70×", "0.80× (0.50–0.80)", "met")
    assert rows["p99 at 64 connections, against p50"] == ("≤ 5.00×", "6.00× (6.00–6.00)", "**not met**")
    assert rows["app CPU for one `sendPayment` at 64 connections"] == ("≤ 0.40 ms", "0.40 ms (0.40–0.40)", "met")
    assert rows["all 64 pay one shop, against the spread-out case"] == ("≥ 0.90×", "–", "not measured")


def test_the_documents_can_be_made() -> None:
    from tests.load.choices import read_choices

    results, choices = measured(), read_choices(["--short"])
    text = report.as_markdown(results, choices, MACHINE, 90.0)
    assert "| sendPayment, 64 connections | 1,000 (800–2,400) | 1.00 | 10.00 | – | 60.00 | 0.40 | – |" in text
    assert "**broken failed**: one penny is missing" in text
    assert report.as_json(results, choices, MACHINE, 90.0)["subjects"][bars.LIMIT]["median"]["rate"]["median"] == 2000.0
    assert len(ET.fromstring(report.svg(results)).findall("{http://www.w3.org/2000/svg}rect")) == 2  # noqa: S314 - our own


def test_requests_say_their_length_and_never_pay_the_payer() -> None:
    request = Request(heads=["1:", "2:", "3:"], marker="", before_key="<", between="|", payees=["1", "2", "3"], after=">", items=2)
    for _ in range(50):
        payer, _, body = request.bytes().decode().partition(":")
        assert all(item[-2] != payer for item in body.split(","))
        assert len(body) == 2 * len(f"<{new_key()}|1>") + 1


def test_percentiles_are_those_of_the_list() -> None:
    assert summary([n / 1000 for n in range(1, 101)]) == {"mean": pytest.approx(50.5), "p50": 51.0, "p95": 96.0, "p99": 100.0, "max": 100.0}
    assert summary([]) == {}
