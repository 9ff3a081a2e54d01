"""Every test that SECURITY.md and docs/asvs.md name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
DEFENDED = PAGE.partition("## What is defended, and by what")[2].partition("\n## ")[0]
ASVS = (ROOT / "docs/asvs.md").read_text(encoding="utf-8")
SHOWN, _, REST = ASVS.partition("What deviates, and why:")
DEVIATIONS, _, BESIDE = REST.partition("What does not apply:")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE + ASVS)))
NUMBER = re.compile(r"\d{1,2}\.\d{1,2}(\.\d{1,2})?")
# How many requirements of levels 1 and 2 each section has; those of level 3 are its last. Source: OWASP ASVS 5.0.0.
REQUIREMENTS = {
    1: {1: 2, 2: 9, 3: 11, 4: 3, 5: 2}, 2: {1: 3, 2: 3, 3: 4, 4: 2}, 3: {2: 2, 3: 4, 4: 6, 5: 5, 7: 2}, 4: {1: 3, 2: 1, 3: 2, 4: 4},
    5: {1: 1, 2: 3, 3: 2, 4: 3}, 6: {1: 3, 2: 12, 3: 4, 4: 4, 5: 5, 6: 3, 8: 4}, 7: {1: 3, 2: 4, 3: 2, 4: 5, 5: 2, 6: 2},
    8: {1: 2, 2: 3, 3: 1, 4: 1}, 9: {1: 3, 2: 4}, 10: {1: 2, 2: 2, 3: 4, 4: 11, 5: 5, 6: 2, 7: 3},
    11: {1: 2, 2: 3, 3: 3, 4: 4, 5: 1, 6: 1}, 12: {1: 3, 2: 2, 3: 4}, 13: {1: 1, 2: 5, 3: 2, 4: 5}, 14: {1: 2, 2: 4, 3: 3},
    15: {1: 3, 2: 3, 3: 7}, 16: {1: 1, 2: 5, 3: 4, 4: 3, 5: 3}, 17: {1: 1, 2: 4, 3: 2},
}


def rows(table: str) -> list[list[str]]:
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines() if line.startswith("| ")]
    return [row for row in cells if row[0] not in ("against", "requirement")]


@pytest.mark.parametrize(("path", "name"), NAMED, ids=lambda each: each or "all of it")
def test_each_named_test_exists(path: str, name: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert f"def {name}(" in text if name else "def test_" in text


def test_every_row_of_what_is_defended_has_a_test() -> None:
    assert len(rows(DEFENDED)) > 15
    for row in rows(DEFENDED):
        assert len(row) == 3, row
        assert "`tests/" in row[-1], row


def test_every_requirement_has_a_number_and_a_test_or_a_reason() -> None:
    assert len(rows(SHOWN)) > 40
    for row in rows(SHOWN):
        assert "`tests/" in row[-1], row
    for row in rows(SHOWN) + rows(DEVIATIONS):
        assert len(row) == 3, row
        assert row[1], row
        assert all(NUMBER.fullmatch(part) for part in re.split(r", |–", row[0])), row


def test_every_requirement_of_levels_1_and_2_has_an_answer() -> None:
    told = [row[0] for row in rows(SHOWN) + rows(DEVIATIONS)]
    told += [line.removeprefix("- ").partition(":")[0] for line in BESIDE.splitlines() if line.startswith("- ")]
    named = {number for cell in told for part in cell.split(", ") for number in each_of(part)}
    for chapter, sections in REQUIREMENTS.items():
        for section, count in sections.items():
            for number in range(1, count + 1):
                ways = {f"{chapter}", f"{chapter}.{section}", f"{chapter}.{section}.{number}"}
                assert ways & named, f"{chapter}.{section}.{number}"


def each_of(part: str) -> list[str]:
    """The numbers of a single number or a range."""
    first, _, last = part.partition("–")
    if not last:
        return [first]
    section, _, number = first.rpartition(".")
    return [f"{section}.{each}" for each in range(int(number), int(last.rpartition(".")[2]) + 1)]
