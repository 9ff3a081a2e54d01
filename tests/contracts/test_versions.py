"""The version stands in one place, and what else names it agrees."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml

from app.version import VERSION

ROOT = Path(__file__).parents[2]


def test_the_version_is_three_numbers() -> None:
    assert re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", VERSION)


def test_the_collection_has_the_version_of_what_it_deploys() -> None:
    assert yaml.safe_load((ROOT / "ansible/galaxy.yml").read_text(encoding="utf-8"))["version"] == VERSION


def test_make_alone_tells_the_version() -> None:
    told = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert told[0] == f"Wave {VERSION}"
    assert told[1].startswith("  make help ")
