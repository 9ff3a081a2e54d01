"""Owns parsing text of a single line: single spaces, no hidden characters, no change of the text direction.

Memos, display names, token names and search texts are such lines, in the pages, the API and the commands.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, Final, TypeVar

import regex

from app.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")

MAXIMUM_SEARCH_CHARACTERS: Final = 64

# Unicode's property White_Space. Python's str.split() and str.strip() also remove four control characters.
WHITE_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
WHITE_SPACES: Final = regex.compile(f"[{WHITE_SPACE}]+")
# Composition (NFC) turns at most this many code points into one, for example into U+1F82. Source: Unicode Standard Annex 15.
# A text with more than this for each allowed character is too long in any case, and is not composed: the time grows with the square of
# the number of combining marks, two seconds for 32,000.
CODE_POINTS_PER_CHARACTER: Final = 4
# Control characters, surrogates, private use, unassigned, bidirectional controls, and characters without width. The tables of the
# library `regex` know the newest emoji; those of Python 3.11 are of 2021.
# Source: Unicode's Default_Ignorable_Code_Point and Bidi_Control; Unicode Technical Report 36, section 2.6. The empty braille pattern
# and the marks of interlinear annotation are in neither property, and are invisible, too.
HIDDEN: Final = r"[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\u2028\u2029\u2800\ufff9-\ufffb]"
# Places where such a character is allowed, because it changes how its neighbours look.
SHOWN: Final = (
    # Joiners beside a virama, in Indic scripts. Source: RFC 5892, appendices A.1 and A.2; Unicode 17, chapter 12, for Bengali RA.
    r"(?<=\p{ccc=9})[\u200c\u200d]", r"(?<=\p{L})\u200d(?=\p{ccc=9})",
    # Between joining letters, as in Persian. Source: RFC 5892, appendix A.1. Letters that join only to the right are allowed before it,
    # too: Persian is written so, although it does not show there.
    r"(?<=[\p{jt=L}\p{jt=D}\p{jt=R}]\p{jt=T}*)\u200c(?=\p{jt=T}*[\p{jt=R}\p{jt=D}])",
    # After a letter in its joining form without a next letter. Source: Unicode 17, section 9.2.
    r"(?<=[\p{jt=L}\p{jt=D}]\p{jt=T}*)\u200d(?!\p{jt=T}*[\p{jt=R}\p{jt=D}])",
    # Emoji: sequences, text or emoji style, keycaps, flags of regions. Source: Unicode Technical Standard 51, section 1.4.9.
    r"(?<=\p{Extended_Pictographic}[\p{Emoji_Modifier}\ufe0f]?)\u200d(?=\p{Extended_Pictographic})",
    r"(?<=\p{Extended_Pictographic})[\ufe0e\ufe0f]", r"(?<=[0-9#*])\ufe0f(?=\u20e3)",
    r"(?<=\U0001f3f4)[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f",
    # Variants of the character before. Source: Unicode 17, section 23.4.
    r"(?<=\p{Han})[\ufe00-\ufe02\U000e0100-\U000e01ef]", r"(?<=\p{Mongolian})[\u180b-\u180f]",
)
PLAIN: Final = regex.compile(rf"(?:[{WHITE_SPACE}]|(?!{HIDDEN}).|{'|'.join(SHOWN)})*+", regex.DOTALL)
VISIBLE: Final = regex.compile(r"[\p{L}\p{N}\p{P}\p{S}]")


def trimmed(text: str) -> str:
    """The text without white space at the ends."""
    return text.strip(WHITE_SPACE)


def parse_single_line(text: str, what: str, *, maximum_characters: int) -> str:
    """Parse a single line: composed (NFC), trimmed, with single spaces. May be empty.

    Args:
        what: its name for people, such as "memo".

    Raises: InvalidInputError if it is too long, has a hidden character, or has no visible one.
    """
    line = WHITE_SPACES.sub(" ", text).strip(" ")
    if len(line) <= CODE_POINTS_PER_CHARACTER * maximum_characters:
        line = unicodedata.normalize("NFC", line)
    if len(line) > maximum_characters:
        raise InvalidInputError(user_message=f"A {what} has at most {maximum_characters} characters. Shorten it.")
    hidden = hidden_character(line)
    if hidden:
        message = f"The {what} holds a character that does not show ({hidden}). Type it again."
        raise InvalidInputError(f"{what} with {hidden}", user_message=message)
    if line and VISIBLE.search(line) is None:
        raise InvalidInputError(user_message=f"The {what} holds nothing that shows. Type it again.")
    return line


def parse_search(text: str | None) -> str:
    """Parse a search text; an empty one matches everything. Raises: InvalidInputError, as `parse_single_line`."""
    return parse_single_line(text or "", "search", maximum_characters=MAXIMUM_SEARCH_CHARACTERS)


def hidden_character(text: str) -> str | None:
    """The first hidden character that is not white space, such as "U+200B, ZERO WIDTH SPACE"; None without one."""
    if text.isascii() and text.isprintable():
        return None
    shown = PLAIN.match(text)
    end = shown.end() if shown else 0
    if end == len(text):
        return None
    name = unicodedata.name(text[end], "")
    return f"U+{ord(text[end]):04X}{', ' if name else ''}{name}"


def unless_blank(parse: Callable[[Any], Value], text: object) -> Value | None:
    """Parse the text; None if it is blank (an empty field of a form) or null (in the API)."""
    # `parse` refuses a value that is not text.
    return None if text is None or (isinstance(text, str) and not trimmed(text)) else parse(text)
