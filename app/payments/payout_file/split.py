"""Owns finding an amount that a comma may have parted: in a file with commas, `1,000.00` without quotes are two cells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from babel.core import get_global

from app.payments.payout_file.amounts import meanings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.money import Currency, Money

# The beginning of a number up to a comma, after a sign or a currency perhaps.
BEGINNING: Final = re.compile(r"[^\w]*([A-Z]{3})?[^\w]*([0-9]+(?:[.,'\u2019 \u00a0\u202f][0-9]{3})*)")
# The rest of a number after a comma: its first digits, and all that follows as a number may go on.
REST: Final = re.compile(r"([0-9]+)((?:[.,'\u2019 \u00a0\u202f][0-9]+)*)([^\W\d_]*)")


def split_meanings(cells: Sequence[str], place: int, currency: Currency) -> list[Money]:
    """What the cell of the amount could mean together with the cells beside it; nothing, where they are no number together.

    Args:
        cells: of a line whose cells are parted by commas.
        place: of the amount among them.
    """
    found: dict[int, Money] = {}
    for first in range(max(place - 1, 0), place + 1):
        for text in _joined(cells[first:], ends_after=place - first):
            found.update((each.minor_units, each) for each in meanings(text, currency))
    return list(found.values())


def _joined(cells: Sequence[str], *, ends_after: int) -> Iterator[str]:
    """Each number that the first cell and those after it make, with the commas between them.

    Args:
        ends_after: how many cells it has after the first one at least.
    """
    begun = BEGINNING.fullmatch(cells[0])
    if begun is None or not _is_unit(begun[1] or ""):
        return
    number = begun[2]
    for count, cell in enumerate(cells[1:], 1):
        rest = REST.match(cell)
        if rest is None or not _is_unit(rest[3]):
            return
        if count >= ends_after:
            yield f"{number},{rest[1]}"
            yield f"{number},{rest[1]}{rest[2]}"
        number += f",{rest[1]}{rest[2]}"
        if rest[1] + rest[2] != cell:
            return


def _is_unit(letters: str) -> bool:
    """Whether a number may stand beside these letters: none, a unit such as p, or a currency. "2nd" and "3rd" are no numbers."""
    return len(letters) <= 1 or letters.upper() in get_global("all_currencies")
