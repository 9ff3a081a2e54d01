"""Owns how many guesses a password takes, and what makes it easy to guess. Knows no person, no rule and no database.

zxcvbn finds the parts: common passwords and words, plain, reversed or with digits for letters, keyboard rows, sequences, dates.
Its own sum of them is not used: it takes any three parts for hard to guess, so that `wave wallet payment` would be.
Here the guesses of the parts are multiplied; what everybody knows of this account is free, and so is each part after its first time.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum
from math import log10
from typing import TYPE_CHECKING, Final

from zxcvbn import matching, scoring

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zxcvbn.matching import _Match

    Lists = dict[str, dict[str, int]]

# What a check costs grows with the square of this. A password whose first 48 characters are hard to guess is hard to guess.
ESTIMATED_CHARACTERS: Final = 48
# A shorter one would be found by chance inside of anything.
MINIMUM_WORD_CHARACTERS: Final = 3
# Source: xkcd.com/936, which is about just this and is tried by everybody who guesses.
PUBLIC_PHRASE: Final = "correcthorsebatterystaple"

# Each letter has one digit, and each mark that looks like a digit is read as that digit: a handful of readings.
# zxcvbn's own table makes up to nine hundred of them, each of which searches all its lists.
DIGITS_FOR_LETTERS: Final = {
    "a": ["4"], "b": ["8"], "c": ["("], "e": ["3"], "g": ["6"], "i": ["1"], "l": ["1", "7"], "o": ["0"], "s": ["5"], "t": ["7"],
    "x": ["%"], "z": ["2"],
}
MARKS_READ_AS_DIGITS: Final = str.maketrans("@{[<9!|$+", "4(((61157")
# Most numbers of four or five digits can be read as one: 1191 as 1/1/91.
MINIMUM_DATE_CHARACTERS: Final = 6
# zxcvbn's own end at 2019.
YEARS: Final = {str(year): 1 for year in range(1930, 2040)}
# Three times the same one or two characters, twice the same three or more.
REPEATED: Final = re.compile(r"(.)\1{2,}|(..)\2{2,}|(.{3,}?)\3+", re.DOTALL)
# Of a character that belongs to nothing known. Source: zxcvbn, BRUTEFORCE_CARDINALITY.
GUESSES_LOG10_PER_CHARACTER: Final = 1.0


class Cause(Enum):
    """What makes most of a password."""

    NAME = "It is made of the name of this account."
    SITE = "It is made of words of this site."
    PUBLIC = "It is a phrase that everybody knows."
    COMMON = "It is a common password, or close to one."
    REPEAT = "It repeats itself."
    KEYS = "It is a row of keys or a sequence."
    DATE = "It is made of dates."
    WORDS = "It is made of few and common words."
    CHARACTERS = "It has few different characters."


@dataclass(frozen=True, slots=True)
class Strength:
    """How hard a password is to guess."""

    guesses_log10: float
    cause: Cause
    """Why it takes no more."""


@dataclass(frozen=True, slots=True)
class _Part:
    text: str
    guesses_log10: float
    cause: Cause


PATTERNS: Final = {
    "dictionary": Cause.WORDS, "spatial": Cause.KEYS, "sequence": Cause.KEYS, "date": Cause.DATE,
}
# By the names of the lists: zxcvbn's of passwords, and those that are added here.
LISTS: Final = {"passwords": Cause.COMMON, "names": Cause.NAME, "site": Cause.SITE, "public": Cause.PUBLIC, "years": Cause.DATE}
FREE: Final = frozenset({Cause.NAME, Cause.SITE, Cause.PUBLIC})


def estimate_strength(password: str, *, names: Iterable[str], site_words: Iterable[str]) -> Strength:
    """How hard this password is to guess for somebody who knows whose it is and where it is used.

    It is read twice, as it was typed and by its letters and digits alone, and the easier reading counts.

    Args:
        names: of the person, in any spelling.
        site_words: what the place is called.

    Source: D. Wheeler, "zxcvbn: Low-Budget Password Strength Estimation", USENIX Security 2016.
    """
    typed = password[:ESTIMATED_CHARACTERS]
    lists = {
        **matching.RANKED_DICTIONARIES,
        "years": YEARS, "public": {PUBLIC_PHRASE: 1}, "site": _ranked(site_words), "names": _ranked(names),
    }
    joined = _letters_and_digits(typed)[:ESTIMATED_CHARACTERS]
    # A mark costs as much as any character, the same one again nothing: it stands where everybody puts it.
    marks = {each for each in typed if not each.isalnum()}
    readings = [_read(typed, lists), _read(joined, lists, len(marks) * GUESSES_LOG10_PER_CHARACTER)]
    return min(readings, key=lambda reading: reading.guesses_log10)


def _read(text: str, lists: Lists, added: float = 0.0) -> Strength:
    parts = _cheapest_parts(text, lists)
    shares: dict[Cause, int] = {}
    for part in parts:
        shares[part.cause] = shares.get(part.cause, 0) + len(part.text)
    return Strength(added + _product(parts), max(shares, key=lambda cause: shares[cause], default=Cause.CHARACTERS))


def _product(parts: Iterable[_Part]) -> float:
    # A part counts once however often it stands there, but a character that belongs to none counts each time.
    once = {place if part.cause is Cause.CHARACTERS else part.text.lower(): part.guesses_log10 for place, part in enumerate(parts)}
    return sum(once.values())


def _cheapest_parts(text: str, lists: Lists) -> list[_Part]:
    """The parts, one after another, whose guesses multiply to the least."""
    ending: list[list[tuple[int, _Part]]] = [[(end, _Part(each, GUESSES_LOG10_PER_CHARACTER, Cause.CHARACTERS))]
                                             for end, each in enumerate(text)]
    for match in _matches(text, lists):
        cause = LISTS.get(match.get("dictionary_name", ""), PATTERNS[match["pattern"]])
        guesses_log10 = 0.0 if cause in FREE else log10(scoring.estimate_guesses(match, text))
        ending[match["j"]].append((match["i"], _Part(text[match["i"]:match["j"] + 1], guesses_log10, cause)))
    for repeated in REPEATED.finditer(text):
        unit = repeated[1] or repeated[2] or repeated[3]
        part = _Part(repeated[0], _product(_cheapest_parts(unit, lists)), Cause.REPEAT)
        ending[repeated.end() - 1].append((repeated.start(), part))
    cheapest: list[tuple[float, list[_Part]]] = [(0.0, [])]
    for options in ending:
        start, last = min(options, key=lambda option: cheapest[option[0]][0] + option[1].guesses_log10)
        before, parts = cheapest[start]
        cheapest.append((before + last.guesses_log10, [*parts, last]))
    return cheapest[-1][1]


def _matches(text: str, lists: Lists) -> list[_Match]:
    if not text:
        return []
    return [
        *matching.dictionary_match(text, lists),
        # Nobody writes a year backwards, but a third of all numbers have one in them then.
        *matching.reverse_dictionary_match(text, {name: ranks for name, ranks in lists.items() if name != "years"}),
        *matching.l33t_match(text.translate(MARKS_READ_AS_DIGITS), lists, DIGITS_FOR_LETTERS),
        *matching.spatial_match(text),
        *matching.sequence_match(text),
        *(match for match in matching.date_match(text) if len(match["token"]) >= MINIMUM_DATE_CHARACTERS),
    ]


def _ranked(texts: Iterable[str]) -> dict[str, int]:
    """The words of these texts: each by itself, and those of a text joined; with and without their accents."""
    found: dict[str, int] = {}
    for text in texts:
        words = re.findall(r"[^\W\d_]+|\d+", unicodedata.normalize("NFKC", text).lower())
        for word in (*words, "".join(words)):
            found.update({each: 1 for each in (word, _letters_and_digits(word)) if len(each) >= MINIMUM_WORD_CHARACTERS})
    return found


def _letters_and_digits(text: str) -> str:
    # Without the accents, which are characters of their own when a letter is decomposed.
    return "".join(each for each in unicodedata.normalize("NFKD", text) if each.isalnum())
