"""Owns what a command prints on standard output: an aligned table or sentences for people, JSON for scripts."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

COLUMN_GAP: Final = "  "

json_option: Final = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for scripts.")


def print_result(text: str, data: object, *, as_json: bool) -> None:
    """Print `data` as JSON if `as_json`, else `text`.

    Args:
        data: JSON types only. Amounts are decimal text, times are ISO 8601 in UTC.
    """
    click.echo(json.dumps(data, ensure_ascii=False, indent=2) if as_json else text)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[int] = ()) -> str:
    """Rows with aligned columns.

    Args:
        right: the indexes of the columns to align right, such as amounts.
    """
    lines = [tuple(headings), *(tuple(row) for row in rows)]
    widths = [max(_width(line[place]) for line in lines) for place in range(len(headings))]
    return "\n".join(
        COLUMN_GAP.join(
            _padded(cell, widths[place], to_right=place in right) for place, cell in enumerate(line)
        ).rstrip()
        for line in lines
    )


def key_value_lines(pairs: Sequence[tuple[str, str]]) -> str:
    """One name and value a line, with the values in one column."""
    widest = max(len(name) for name, _ in pairs)
    return "\n".join(f"{name:<{widest}}{COLUMN_GAP}{value}" for name, value in pairs)


def format_time(at: datetime) -> str:
    """The time for people, to the minute."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def pluralized(count: int, one: str, many: str | None = None) -> str:
    """The count with its noun: "1 login", "2 logins"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _padded(cell: str, width: int, *, to_right: bool) -> str:
    padding = " " * (width - _width(cell))
    return padding + cell if to_right else cell + padding


def _width(text: str) -> int:
    """The width in terminal columns: East Asian characters take two, combining accents none. Source: Unicode UAX 11."""
    return sum(0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


Json = dict[str, Any]
