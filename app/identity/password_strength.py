"""Owns the estimate of how many guesses a password needs, and what makes it easy to guess. Knows no person, rule or database.

zxcvbn finds the parts: common passwords and words (plain, reversed or with digits for letters), keyboard rows, sequences, dates.
Its own total is not used: it rates any three parts as hard to guess, for example `wave wallet payment`.
Here the guesses of the parts are multiplied. Public words of this account cost no guess, and a repeated part counts once.
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

# The time of a check grows with the square of this. If the first 48 characters are hard to guess, the password is.
ESTIMATED_CHARACTERS: Final = 48
# Shorter words are found by chance in any text.
MINIMUM_WORD_CHARACTERS: Final = 3
# Source: xkcd.com/936. Every attacker tries it.
PUBLIC_PHRASE: Final = "correcthorsebatterystaple"

# Each letter has one or two digits, and each mark is read as one digit: this gives a few readings.
# zxcvbn's own table gives up to nine hundred, and each one searches all lists.
DIGITS_FOR_LETTERS: Final = {
    "a": ["4"], "b": ["8"], "c": ["("], "e": ["3"], "g": ["6"], "i": ["1"], "l": ["1", "7"], "o": ["0"], "s": ["5"], "t": ["7"],
    "x": ["%"], "z": ["2"],
}
MARKS_READ_AS_DIGITS: Final = str.maketrans("@{[<9!|$+", "4(((61157")
# Most numbers of four or five digits can be read as one: 1191 as 1/1/91.
MINIMUM_DATE_CHARACTERS: Final = 6
# zxcvbn's own list ends at 2019.
YEARS: Final = {str(year): 1 for year in range(1930, 2040)}
# One or two characters at least three times in a row, or three and more characters at least twice.
REPEATED: Final = re.compile(r"(.)\1{2,}|(..)\2{2,}|(.{3,}?)\3+", re.DOTALL)
# For a character that is in no known part. Source: zxcvbn, BRUTEFORCE_CARDINALITY.
GUESSES_LOG10_PER_CHARACTER: Final = 1.0


class Cause(Enum):
    """What most of a password is made of."""

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
    """The main reason for this estimate."""


@dataclass(frozen=True, slots=True)
class _Part:
    text: str
    guesses_log10: float
    cause: Cause


PATTERNS: Final = {
    "dictionary": Cause.WORDS, "spatial": Cause.KEYS, "sequence": Cause.KEYS, "date": Cause.DATE,
}
# By the name of the list: zxcvbn's passwords, and the lists that are added here.
LISTS: Final = {"passwords": Cause.COMMON, "names": Cause.NAME, "site": Cause.SITE, "public": Cause.PUBLIC, "years": Cause.DATE}
FREE: Final = frozenset({Cause.NAME, Cause.SITE, Cause.PUBLIC})


def estimate_strength(password: str, *, names: Iterable[str], site_words: Iterable[str]) -> Strength:
    """How hard this password is to guess for an attacker who knows the account and the site.

    The password is read twice, as typed and with letters and digits only. The easier reading counts.

    Args:
        names: the names of the person, in any spelling.
        site_words: the words of the site.

    Source: D. Wheeler, "zxcvbn: Low-Budget Password Strength Estimation", USENIX Security 2016.
    """
    typed = password[:ESTIMATED_CHARACTERS]
    lists = {
        **matching.RANKED_DICTIONARIES,
        "years": YEARS, "public": {PUBLIC_PHRASE: 1}, "site": _ranked(site_words), "names": _ranked(names),
    }
    joined = _letters_and_digits(typed)[:ESTIMATED_CHARACTERS]
    # A mark costs as much as any character; the same mark again costs nothing, since attackers know the usual places.
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
    # A repeated part counts once. A character that is in no part counts each time.
    once = {place if part.cause is Cause.CHARACTERS else part.text.lower(): part.guesses_log10 for place, part in enumerate(parts)}
    return sum(once.values())


def _cheapest_parts(text: str, lists: Lists) -> list[_Part]:
    """The split into parts with the smallest product of guesses."""
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
        # Without years: nobody writes them backwards, but a third of all numbers contain a reversed one.
        *matching.reverse_dictionary_match(text, {name: ranks for name, ranks in lists.items() if name != "years"}),
        *matching.l33t_match(text.translate(MARKS_READ_AS_DIGITS), lists, DIGITS_FOR_LETTERS),
        *matching.spatial_match(text),
        *matching.sequence_match(text),
        *(match for match in matching.date_match(text) if len(match["token"]) >= MINIMUM_DATE_CHARACTERS),
    ]


def _ranked(texts: Iterable[str]) -> dict[str, int]:
    """The words of these texts: each word, and the words of a text joined, with and without accents."""
    found: dict[str, int] = {}
    for text in texts:
        words = re.findall(r"[^\W\d_]+|\d+", unicodedata.normalize("NFKC", text).lower())
        for word in (*words, "".join(words)):
            found.update({each: 1 for each in (word, _letters_and_digits(word)) if len(each) >= MINIMUM_WORD_CHARACTERS})
    return found


def _letters_and_digits(text: str) -> str:
    # NFKD separates accents from letters; isalnum drops them.
    return "".join(each for each in unicodedata.normalize("NFKD", text) if each.isalnum())
