"""What SECURITY.md says is shown by a test, is: each of them exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
_, _, TABLE = PAGE.partition("## OWASP ASVS 5.0, levels 1 and 2")
SHOWN, _, DEVIATIONS = TABLE.partition("What deviates, and why:")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", TABLE)))
NUMBER = re.compile(r"\d{1,2}\.\d{1,2}(\.\d{1,2})?")


def rows(table: str) -> list[list[str]]:
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines() if line.startswith("| ")]
    return [row for row in cells if row[0] != "requirement"]


@pytest.mark.parametrize(("path", "name"), NAMED, ids=lambda each: each or "all of it")
def test_a_test_that_is_named_exists(path: str, name: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert f"def {name}(" in text if name else "def test_" in text


def test_every_requirement_has_a_number_and_a_test_or_a_reason() -> None:
    assert len(rows(SHOWN)) > 40
    for row in rows(SHOWN):
        assert "`tests/" in row[-1], row
    for row in rows(SHOWN) + rows(DEVIATIONS):
        assert len(row) == 3, row
        assert row[1], row
        assert all(NUMBER.fullmatch(part) for part in re.split(r", |–", row[0])), row
