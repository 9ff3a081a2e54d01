"""Owns the names that are reserved for those who run the wallet, in any look-alike letters. Knows no person and no database.

A name is reserved if one of these holds for its skeleton, which has one letter for all look-alike letters:
- one of its words, or all letters joined, is a role or the site's name, or a compound of roles and companion words
  (`WaveSupport`, `the wallet team of wave`, `s u p p o r t`);
- one of its words begins or ends with a long role (`supportjohn`, `john_the_wavesupport`), or begins with `admin`;
- all letters joined are a word of the pages (`wallet`, `log in`).
A role inside another word does not count: Waverley, Badminton and Sadmin are allowed.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from disarm import skeleton_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROLES: Final = (
    "admin", "administrator", "customercare", "customerservice", "helpdesk", "moderator", "official", "operator", "security", "support",
    "sysadmin", "wave",
)
# Allowed alone. Beside a role they make another name of that role.
COMPANIONS: Final = (
    "account", "agent", "alert", "app", "bank", "billing", "bot", "care", "center", "centre", "chat", "contact", "customer", "desk", "for",
    "from", "help", "hotline", "info", "line", "main", "money", "my", "notice", "of", "office", "online", "our", "pay", "payment", "real",
    "refund", "root", "service", "staff", "system", "team", "the", "user", "verified", "verify", "wallet", "your",
)
# Ordinary words that begin or end with a role.
ORDINARY: Final = frozenset({"insecurity", "officially", "supported", "supporter", "supporters", "supporting", "supportive", "unofficial"})
# Whole names that could be taken for a page or for nobody.
PAGE_WORDS: Final = (
    "account", "accounts", "api", "help", "home", "issuance", "login", "logout", "nobody", "null", "owner", "pay", "payment", "payments",
    "register", "request", "requests", "root", "staff", "system", "undefined", "user", "users", "wallet",
)
# Too many ordinary names contain a shorter one.
LONG_ROLE_CHARACTERS: Final = 7

# Searched in the Unicode names of the characters.
TRUST_MARKS: Final = re.compile(r"\b(CHECK|BALLOT|SHIELD|SQUARE ROOT)\b")

# Digits and marks that stand for letters, and pairs of letters that look like one.
LETTERS_FOR_DIGITS: Final = str.maketrans("0123456789@$|!", "olzeasgtbgasll")
PAIRS_READ_AS_ONE: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"))


def reserved_word(name: str) -> str | None:
    """The reserved word in this name; None for a name that anybody may have.

    Source: Unicode Technical Standard 39, section 4, with the tables of disarm. Digits and marks for letters are our addition.
    """
    whole = "".join(re.findall(r"[^\W\d_]+", _skeleton(_without_accents(name))))
    if whole in PAGE_WORDS_BY_SKELETON:
        return PAGE_WORDS_BY_SKELETON[whole]
    for words in _readings(name):
        joined = "".join(words)
        for word in (*words, joined, *_spelled_out(words)):
            role = _compound_role(word)
            if role:
                return role
        for word in words:
            role = _affixed_role(word)
            if role:
                return role
    return None


def has_trust_mark(name: str) -> bool:
    """Whether this name has a character that looks like a mark of a verified account: a check mark, tick box or shield."""
    return any(TRUST_MARKS.search(unicodedata.name(each, "")) for each in name)


def _compound_role(word: str) -> str:
    """The role in a word that consists only of roles and companion words; empty for any other word."""
    reached = {0: ""}
    for start in range(len(word)):
        if start in reached:
            for end in range(start + 1, min(len(word), start + LONGEST_PART) + 1):
                role = PARTS.get(word[start:end])
                if role is not None:
                    reached[end] = reached.get(end) or reached[start] or role
    return reached.get(len(word), "")


def _affixed_role(word: str) -> str:
    """The role at the beginning or end of this word; empty for an ordinary word."""
    if word in ORDINARY_SKELETONS:
        return ""
    begun = (role for read, role in ROLES_BY_BEGINNING.items() if word.startswith(read))
    ended = (role for read, role in ROLES_BY_ENDING.items() if word.endswith(read))
    return next(begun, "") or next(ended, "")


def _readings(name: str) -> Iterator[list[str]]:
    """All ways to split the name into words: at non-letters and at capitals, with digits as letters, as word ends, or as gaps."""
    plain = _without_accents(name)
    for text in dict.fromkeys((plain, re.sub(r"(?<=[^\W\d_A-Z])(?=[A-Z])", " ", plain))):
        yield _words(text)
        yield _words(re.sub(r"[\d@$|!]+", " ", text))
        yield _words(re.sub(r"[\d@$|!]+(?![^\W_])", " ", text))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", _letter_skeleton(text))


def _spelled_out(words: Iterable[str]) -> list[str]:
    """The words that are spelled letter by letter, such as `s u p p o r t`."""
    return "".join(word if len(word) == 1 else " " for word in words).split()


def _without_accents(text: str) -> str:
    """The text without combining marks, such as accents."""
    return "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))


def _skeleton(text: str) -> str:
    """The text with one letter for all look-alikes, in lower case. Never shown to people."""
    # In Unicode's skeleton only a capital I becomes an l. Here a small i does, too.
    return skeleton_key(text).replace("i", "l")


def _letter_skeleton(text: str) -> str:
    """The skeleton, with letters in place of digits and marks that look like them."""
    skeleton = _skeleton(text).translate(LETTERS_FOR_DIGITS)
    for pair, one in PAIRS_READ_AS_ONE:
        skeleton = skeleton.replace(pair, one)
    return skeleton


PAGE_WORDS_BY_SKELETON: Final = {_skeleton(word): word for word in PAGE_WORDS}
ORDINARY_SKELETONS: Final = frozenset(map(_letter_skeleton, ORDINARY))
# The parts of a compound, with the role of each, or an empty text for a companion word.
PARTS: Final = {_letter_skeleton(word) + s: role for word, role in (*((each, "") for each in COMPANIONS), *zip(ROLES, ROLES, strict=True))
                for s in ("", "s")}
LONGEST_PART: Final = max(map(len, PARTS))
ROLES_BY_ENDING: Final = {_letter_skeleton(word): word for word in ROLES if len(word) >= LONG_ROLE_CHARACTERS}
ROLES_BY_BEGINNING: Final = {**ROLES_BY_ENDING, _letter_skeleton("admin"): "admin"}
