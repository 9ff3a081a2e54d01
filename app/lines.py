"""Owns what a person may write on one line for others to read: single spaces, and nothing that hides or turns the text round."""

from __future__ import annotations

import unicodedata
from typing import Final

# Control characters, halves of surrogate pairs, and what has no meaning that everyone shares.
CONTROL_CATEGORIES: Final = frozenset({"Cc", "Cs", "Co", "Cn"})
# They turn the text after them round, amounts included. Source: Unicode Technical Report 36, section 2.6.
TEXT_DIRECTION_MARKS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Letters and symbols that show nothing. Source: Unicode's Default_Ignorable_Code_Point, and the braille pattern without dots.
BLANK_CHARACTERS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
VISIBLE_CATEGORIES: Final = frozenset("LNPS")


def one_line(text: str) -> str:
    """The text composed (NFC), its ends trimmed and every run of white space, line breaks too, one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def is_plain(line: str) -> bool:
    """Whether what others see is all there is: something visible, no control character, no change of direction, no blank letter."""
    hides = any(
        unicodedata.category(each) in CONTROL_CATEGORIES or each in TEXT_DIRECTION_MARKS or each in BLANK_CHARACTERS for each in line
    )
    return not hides and any(unicodedata.category(each)[0] in VISIBLE_CATEGORIES for each in line)
