"""Owns the chart of the results: bars of payments a second, drawn as SVG that reads on a light and on a dark page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.load.rounds import Found

WIDTH: Final = 860
LABEL_WIDTH: Final = 300
BAR_WIDTH: Final = 440
ROW_HEIGHT: Final = 30
TOP: Final = 50
# Both readable on white and on GitHub's dark page; the limit's grey is told apart from ours without colour, by its label.
LIMIT_COLOUR: Final = "#8b949e"
OUR_COLOUR: Final = "#2f81f7"
TEXT_COLOUR: Final = "#6e7681"


def chart(title: str, rows: Sequence[tuple[str, Found, bool]]) -> str:
    """The bars with their ranges.

    Args:
        rows: a label, its figure, and whether it is a limit to compare with.
    """
    most = max(found.most for _, found, _ in rows)
    height = TOP + ROW_HEIGHT * len(rows) + 10
    lines = [
        (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
         f'aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="14" fill="{TEXT_COLOUR}">'),
        f'<text x="8" y="26" font-size="17" font-weight="600">{escape(title)}</text>',
    ]
    for place, (label, found, is_limit) in enumerate(rows):
        lines += _row(TOP + place * ROW_HEIGHT, label, found, most, LIMIT_COLOUR if is_limit else OUR_COLOUR)
    return "\n".join([*lines, "</svg>", ""])


def _row(top: int, label: str, found: Found, most: float, colour: str) -> list[str]:
    length, least, far = (BAR_WIDTH * value / most for value in (found.median, found.least, found.most))
    middle = top + ROW_HEIGHT // 2 - 4
    return [
        f'<text x="{LABEL_WIDTH - 8}" y="{middle + 5}" text-anchor="end">{escape(label)}</text>',
        f'<rect x="{LABEL_WIDTH}" y="{top}" width="{length:.1f}" height="{ROW_HEIGHT - 8}" rx="3" fill="{colour}"/>',
        (f'<line x1="{LABEL_WIDTH + least:.1f}" x2="{LABEL_WIDTH + far:.1f}" y1="{middle}" y2="{middle}" stroke="{TEXT_COLOUR}"'
         ' stroke-width="2"/>'),
        f'<text x="{LABEL_WIDTH + far + 8:.1f}" y="{middle + 5}">{found.median:,.0f}</text>',
    ]
