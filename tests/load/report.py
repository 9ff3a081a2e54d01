"""Owns what a run leaves behind: docs/bench.json with every figure, docs/bench.md with the tables, docs/bench.svg with the chart."""

from __future__ import annotations

import json
import os
import platform
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.load import bars, grouped
from tests.load.chart import chart
from tests.load.stage import CHECKOUT, DURABLE, file_system_of, sync_milliseconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.load.choices import Choices
    from tests.load.rounds import Results
    from tests.load.stage import Stage

DOCUMENTS: Final = CHECKOUT / "docs"
FIELDS: Final = ("mean_ms", "p50_ms", "p95_ms", "p99_ms", "app_cpu_ms", "database_cpu_ms")
CHART_TITLE: Final = "Payments a second: PostgreSQL alone, and the wallet over HTTP"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """On what it was measured."""

    processor: str
    processors: int
    memory_gigabytes: int
    file_system: str
    sync_milliseconds: float
    postgresql: str
    python: str
    load_before: float
    """What others did on the machine when the run began: runnable processes in the last minute."""


def machine(stage: Stage, load_before: float) -> Machine:
    """What is known of this machine."""
    names = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(errors="replace"), re.MULTILINE)
    return Machine(
        processor=names[0] if names else platform.machine(),
        processors=os.cpu_count() or 1,
        memory_gigabytes=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        file_system=file_system_of(stage.folder),
        sync_milliseconds=round(sync_milliseconds(stage.folder), 3),
        postgresql=stage.query("postgres", "SHOW server_version")[0][0],
        python=platform.python_version(),
        load_before=load_before,
    )


def as_json(results: Results, choices: Choices, on: Machine, took_seconds: float) -> dict[str, Any]:
    """Everything that was measured, for programs."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "took_seconds": round(took_seconds),
        "choices": asdict(choices),
        "machine": asdict(on),
        "postgresql_settings": DURABLE,
        "bars": [dict(zip(("what", "bar", "measured", "verdict"), row, strict=True)) for row in bars.rows(results)],
        "subjects": {
            name: {"median": _medians(results, name), "rounds": [asdict(each) for each in results.all(name)]} for name in results.names
        },
        "failures": results.failures,
        "facts": {name: asdict(found) for name, found in results.facts.items()},
    }


def as_markdown(results: Results, choices: Choices, on: Machine, took_seconds: float) -> str:
    """The tables, for people."""
    form = "The short form" if choices.short else "The full form"
    lines = [
        "# What `make bench` measured",
        "",
        (f"{form}, {datetime.now(UTC):%Y-%m-%d}: {choices.rounds} rounds of {choices.seconds:g} s a subject, interleaved, in"
         f" {took_seconds / 60:.0f} minutes. Medians of the rounds, and in brackets the least and the most."),
        "",
        (f"PostgreSQL {on.postgresql} and Python {on.python} on {on.processors} × {on.processor}, {on.memory_gigabytes} GB; "
         f"{on.file_system}, which keeps 8 kB for good in {on.sync_milliseconds:g} ms. Load generator, gunicorn and PostgreSQL share the "
         f"machine, whose load by others was {on.load_before:.1f} at the start. "
         + ", ".join(f"`{name} = {value}`" for name, value in DURABLE.items()) + "."),
        "",
        *table(("what it must reach", "bar", "measured", ""), bars.rows(results)),
        "",
        *table(("subject", "per second", "mean ms", "p50", "p95", "p99", "app CPU ms", "PostgreSQL CPU ms"), _rows(results)),
        "",
        *(f"**{name} failed**: {why}\n" for name, why in results.failures.items()),
        *table(("", "median", "least", "most"), [
            (name, f"{found.median:,.2f}", f"{found.least:,.2f}", f"{found.most:,.2f}") for name, found in results.facts.items()]),
        "",
    ]
    return "\n".join(lines)


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines of a Markdown table."""
    return [f"| {' | '.join(each)} |" for each in (head, ("---",) * len(head), *rows)]


def svg(results: Results) -> str:
    """The chart of all that pays, in payments a second."""
    limits = {bars.LIMIT: True, grouped.NAME: True}
    ours = {name: False for name in results.names if name.startswith("sendPayment")}
    shown = [(name, found, is_limit) for name, is_limit in (limits | ours).items() if (found := results.found(name))]
    return chart(CHART_TITLE, shown) if shown else ""


def write(results: Results, choices: Choices, on: Machine, took_seconds: float) -> None:
    """Keep all three under docs/."""
    DOCUMENTS.mkdir(exist_ok=True)
    whole = json.dumps(as_json(results, choices, on, took_seconds), indent=1, ensure_ascii=False)
    for name, text in (
        ("bench.json", whole + "\n"), ("bench.md", as_markdown(results, choices, on, took_seconds)), ("bench.svg", svg(results)),
    ):
        (DOCUMENTS / name).write_text(text, encoding="utf-8")


def _rows(results: Results) -> list[tuple[str, ...]]:
    made = []
    for name in results.names:
        rate = results.found(name)
        assert rate, "each measurement has a rate"
        cells = ["–" if (found := results.found(name, field)) is None else f"{found.median:.2f}" for field in FIELDS]
        made.append((name, f"{rate.median:,.0f} ({rate.least:,.0f}–{rate.most:,.0f})", *cells))
    return made


def _medians(results: Results, name: str) -> dict[str, Any]:
    return {field: asdict(found) for field in ("rate", *FIELDS) if (found := results.found(name, field))}
