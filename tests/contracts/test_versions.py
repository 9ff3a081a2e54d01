"""The version stands in one place, what else names it agrees, and what a version promised its clients stays."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from graphql import build_schema, find_breaking_changes

from app.api import schema_text
from app.version import VERSION

ROOT = Path(__file__).parents[2]
GROUPS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]


def released() -> dict[str, str]:
    """The schemas that clients were promised, by version."""
    return {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "schema/released").glob("*.graphql")}


def kept_until_another(version: str) -> tuple[int, ...]:
    """The numbers under which nothing breaks: the first, and before 1.0.0 the second, too. Source: docs/api.md."""
    major, minor, _ = map(int, version.split("."))
    return (major,) if major else (major, minor)


def broken(before: str, now: str) -> list[str]:
    return [change.description for change in find_breaking_changes(build_schema(before), build_schema(now))]


def test_the_version_is_three_numbers() -> None:
    assert re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", VERSION)


def test_the_collection_has_the_version_of_what_it_deploys() -> None:
    assert yaml.safe_load((ROOT / "ansible/galaxy.yml").read_text(encoding="utf-8"))["version"] == VERSION


def test_make_alone_tells_the_version() -> None:
    told = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert told[0] == f"Wave {VERSION}"
    assert told[1].startswith("  make help ")


def test_the_changelog_has_each_version_and_its_day_and_the_newest_is_this_one() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    unreleased, *versions = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert unreleased == "[Unreleased]"
    found = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - 20\d\d-[01]\d-[0-3]\d", each) for each in versions]
    numbers = [each[1] for each in found if each]
    assert (len(numbers), numbers[0]) == (len(versions), VERSION)
    assert numbers == sorted(numbers, key=lambda number: [*map(int, number.split("."))], reverse=True)
    assert sorted(numbers) == sorted(released()), "cp schema/schema.graphql schema/released/VERSION.graphql"
    assert {*re.findall(r"^### (.*)$", text, re.MULTILINE)} <= {*GROUPS}


def test_the_schema_breaks_nothing_that_was_promised_under_these_numbers() -> None:
    promised = {version: text for version, text in released().items() if kept_until_another(version) == kept_until_another(VERSION)}
    assert VERSION in promised
    assert {version: broken(text, schema_text()) for version, text in promised.items()} == {version: [] for version in promised}


@pytest.mark.parametrize(("before", "now", "told"), [
    ("balanceAfter: Money", "balanceThen: Money", "Payment.balanceAfter was removed."),
    ("  SELF_PAYMENT\n", "  PAID_ONESELF\n", "SELF_PAYMENT was removed from enum type ErrorCode."),
    ("  scopes: [TokenScope!]!\n", "  scopes: [TokenScope!]\n", "ApiToken.scopes changed type from [TokenScope!]! to [TokenScope!]."),
    ("input SendPaymentInput {\n", "input SendPaymentInput {\n  why: String!\n",
     "A required field why on input type SendPaymentInput was added."),
])
def test_what_breaks_a_client_is_found(before: str, now: str, told: str) -> None:
    text = schema_text()
    assert before in text
    assert told in broken(text, text.replace(before, now))


@pytest.mark.parametrize(("before", "now"), [
    ("enum ErrorCode {\n", "enum ErrorCode {\n  LATER\n"),
    ("input SendPaymentInput {\n", "input SendPaymentInput {\n  later: String\n"),
    ("type Payment {\n", "type Payment {\n  later: String\n"),
    ("  balanceAfter: Money\n", '  balanceAfter: Money @deprecated(reason: "Later.")\n'),
])
def test_what_may_come_at_any_time_breaks_nothing(before: str, now: str) -> None:
    text = schema_text()
    assert text.count(before) == 1
    assert broken(text, text.replace(before, now)) == []


@pytest.mark.parametrize(("version", "numbers"), [("0.1.0", (0, 1)), ("0.2.7", (0, 2)), ("1.0.0", (1,)), ("1.9.3", (1,)), ("2.0.0", (2,))])
def test_the_first_number_is_the_promise_and_before_1_the_second_too(version: str, numbers: tuple[int, ...]) -> None:
    assert kept_until_another(version) == numbers
