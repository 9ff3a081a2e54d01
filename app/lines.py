"""Owns what a person may write on one line for others to read: single spaces, and nothing that hides or turns the text round.

Memos, display names, names of tokens and what is searched for are such lines, at each edge.
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

# Unicode's property. Python's own str.split() and str.strip() take four control characters for white space, too.
WHITE_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
WHITE_SPACES: Final = regex.compile(f"[{WHITE_SPACE}]+")
# So many code points make one at most when they are composed. Source: Unicode Standard Annex 15; U+1F82 is such a one.
# What has more than this many for each character that may be is too long in any case, and need not be composed, which takes time by
# the square of how many marks follow each other: two seconds for 32,000.
CODE_POINTS_PER_CHARACTER: Final = 4
# Controls, halves of surrogate pairs, what has no meaning that everyone shares, what turns the text after it round, and what takes no
# room. By the tables of the library, which know the emoji of this year; those of Python 3.11 are of 2021.
# Source: Unicode's Default_Ignorable_Code_Point and Bidi_Control; Unicode Technical Report 36, section 2.6. The braille pattern
# without dots, and the marks of interlinear annotation, are in neither and show nothing either.
HIDDEN: Final = r"[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\u2028\u2029\u2800\ufff9-\ufffb]"
# Where a character of these shows all the same, because it changes how its neighbours look.
SHOWN: Final = (
    # Joiners beside a virama: the scripts of India. Source: RFC 5892, appendices A.1 and A.2; Unicode 17, chapter 12, for Bengali's RA.
    r"(?<=\p{ccc=9})[\u200c\u200d]", r"(?<=\p{L})\u200d(?=\p{ccc=9})",
    # Between letters that join, as in Persian. Source: RFC 5892, appendix A.1. Wider by the letters that join to the right alone:
    # Persian writes it after them, too, though it does not show there.
    r"(?<=[\p{jt=L}\p{jt=D}\p{jt=R}]\p{jt=T}*)\u200c(?=\p{jt=T}*[\p{jt=R}\p{jt=D}])",
    # A letter that is to look as if another one followed, where none does. Source: Unicode 17, section 9.2.
    r"(?<=[\p{jt=L}\p{jt=D}]\p{jt=T}*)\u200d(?!\p{jt=T}*[\p{jt=R}\p{jt=D}])",
    # Emoji: sequences, text or picture, keycaps, flags of parts of countries. Source: Unicode Technical Standard 51, section 1.4.9.
    r"(?<=\p{Extended_Pictographic}[\p{Emoji_Modifier}\ufe0f]?)\u200d(?=\p{Extended_Pictographic})",
    r"(?<=\p{Extended_Pictographic})[\ufe0e\ufe0f]", r"(?<=[0-9#*])\ufe0f(?=\u20e3)",
    r"(?<=\U0001f3f4)[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f",
    # Another shape of the sign before. Source: Unicode 17, section 23.4.
    r"(?<=\p{Han})[\ufe00-\ufe02\U000e0100-\U000e01ef]", r"(?<=\p{Mongolian})[\u180b-\u180f]",
)
PLAIN: Final = regex.compile(rf"(?:[{WHITE_SPACE}]|(?!{HIDDEN}).|{'|'.join(SHOWN)})*+", regex.DOTALL)
VISIBLE: Final = regex.compile(r"[\p{L}\p{N}\p{P}\p{S}]")


def trimmed(text: str) -> str:
    """The text without white space at its ends."""
    return text.strip(WHITE_SPACE)


def parse_line(text: str, what: str, *, maximum_characters: int) -> str:
    """The line that `text` means: composed (NFC), its ends trimmed, each run of white space one space; empty when nothing is left.

    Args:
        what: what a person would call it, "memo".

    Raises: InvalidInputError when it is too long, or what others see is not all there is.
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
    """What a search is for; empty for everything. Raises: InvalidInputError, as `parse_line`."""
    return parse_line(text or "", "search", maximum_characters=MAXIMUM_SEARCH_CHARACTERS)


def hidden_character(text: str) -> str | None:
    """The first character, white space aside, that takes no room or turns the text round: "U+200B, ZERO WIDTH SPACE".

    None where all of it shows.
    """
    if text.isascii() and text.isprintable():
        return None
    shown = PLAIN.match(text)
    end = shown.end() if shown else 0
    if end == len(text):
        return None
    name = unicodedata.name(text[end], "")
    return f"U+{ord(text[end]):04X}{', ' if name else ''}{name}"


def unless_blank(parse: Callable[[Any], Value], text: object) -> Value | None:
    """What `parse` makes of the text; None where nothing was entered: of a form, what was left empty, of the API, also null."""
    # What is no text at all is for `parse` to refuse.
    return None if text is None or (isinstance(text, str) and not trimmed(text)) else parse(text)
