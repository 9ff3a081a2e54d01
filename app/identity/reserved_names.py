"""Owns which names are kept for those who run the wallet, in whatever letters they are written. Knows no person and no database.

A name is kept when, read as an eye would read it, one of these holds:
- one of its words, or all of its letters together, is a word of a role or the site's name, or is put together of such words and of
  words that go with them (`WaveSupport`, `the wallet team of wave`, `s u p p o r t`);
- one of its words begins or ends with a long word of a role (`supportjohn`, `john_the_wavesupport`), or begins with `admin`;
- all of its letters together are a word of the pages (`wallet`, `log in`).
A word inside of another one is none: Waverley, Badminton and Sadmin are names.
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
# Alone they are nobody's; beside a word of a role they make another name for it.
COMPANIONS: Final = (
    "account", "agent", "alert", "app", "bank", "billing", "bot", "care", "center", "centre", "chat", "contact", "customer", "desk", "for",
    "from", "help", "hotline", "info", "line", "main", "money", "my", "notice", "of", "office", "online", "our", "pay", "payment", "real",
    "refund", "root", "service", "staff", "system", "team", "the", "user", "verified", "verify", "wallet", "your",
)
# They begin or end so and are ordinary words.
ORDINARY: Final = frozenset({"insecurity", "officially", "supported", "supporter", "supporters", "supporting", "supportive", "unofficial"})
# What could be read as a page or as nobody, as a whole.
OF_THE_PAGES: Final = (
    "account", "accounts", "api", "help", "home", "issuance", "login", "logout", "nobody", "null", "owner", "pay", "payment", "payments",
    "register", "request", "requests", "root", "staff", "system", "undefined", "user", "users", "wallet",
)
# Shorter ones are inside of too many ordinary names.
LONG_ROLE_CHARACTERS: Final = 7

# In the names that Unicode gives its characters.
MARKS_OF_TRUST: Final = re.compile(r"\b(CHECK|BALLOT|SHIELD|SQUARE ROOT)\b")

# Digits and marks that stand for letters, and pairs of letters that look like one.
LETTERS_FOR_DIGITS: Final = str.maketrans("0123456789@$|!", "olzeasgtbgasll")
PAIRS_READ_AS_ONE: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"))


def reserved_word(name: str) -> str | None:
    """The word that makes this name one that is kept for those who run the wallet; None for a name that anybody may have.

    Source: Unicode Technical Standard 39, section 4, by the tables of disarm; digits and marks for letters beyond it.
    """
    whole = "".join(re.findall(r"[^\W\d_]+", _seen(_unmarked(name))))
    if whole in WHOLE:
        return WHOLE[whole]
    for words in _readings(name):
        together = "".join(words)
        for word in (*words, together, *_spelled_out(words)):
            role = _role_put_together(word)
            if role:
                return role
        for word in words:
            role = _role_at_an_end(word)
            if role:
                return role
    return None


def holds_mark_of_trust(name: str) -> bool:
    """Whether a character of this name could be taken for the mark of an account that was checked: any check mark, tick box or shield."""
    return any(MARKS_OF_TRUST.search(unicodedata.name(each, "")) for each in name)


def _role_put_together(word: str) -> str:
    """The role in a word that consists of such words and their companions alone; empty where there is none, or anything else."""
    reached = {0: ""}
    for start in range(len(word)):
        if start in reached:
            for end in range(start + 1, min(len(word), start + LONGEST_PART) + 1):
                role = PARTS.get(word[start:end])
                if role is not None:
                    reached[end] = reached.get(end) or reached[start] or role
    return reached.get(len(word), "")


def _role_at_an_end(word: str) -> str:
    """The role that this word begins or ends with; empty for an ordinary word."""
    if word in ORDINARY_READ:
        return ""
    begun = (role for read, role in READ_AT_THE_START.items() if word.startswith(read))
    ended = (role for read, role in READ_AT_THE_END.items() if word.endswith(read))
    return next(begun, "") or next(ended, "")


def _readings(name: str) -> Iterator[list[str]]:
    """The words of the name: split at what is no letter and where capitals begin; digits as letters, as ends of words, or as gaps."""
    plain = _unmarked(name)
    for text in dict.fromkeys((plain, re.sub(r"(?<=[^\W\d_A-Z])(?=[A-Z])", " ", plain))):
        yield _words(text)
        yield _words(re.sub(r"[\d@$|!]+", " ", text))
        yield _words(re.sub(r"[\d@$|!]+(?![^\W_])", " ", text))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", _read(text))


def _spelled_out(words: Iterable[str]) -> list[str]:
    """The words that are spelled letter by letter, as in `s u p p o r t`."""
    return "".join(word if len(word) == 1 else " " for word in words).split()


def _unmarked(text: str) -> str:
    """The text without accents, strokes and the like."""
    return "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))


def _seen(text: str) -> str:
    """The text with one letter for all that look like it, in small letters; not to be shown to anybody."""
    # A capital I is an l to the skeleton, a small one is not: here both are, whatever the case was.
    return skeleton_key(text).replace("i", "l")


def _read(text: str) -> str:
    """The same, with letters for digits and marks that stand for them."""
    seen = _seen(text).translate(LETTERS_FOR_DIGITS)
    for pair, one in PAIRS_READ_AS_ONE:
        seen = seen.replace(pair, one)
    return seen


WHOLE: Final = {_seen(word): word for word in OF_THE_PAGES}
ORDINARY_READ: Final = frozenset(map(_read, ORDINARY))
# What a word may be put together of, one of them or several, and the role that it stands for.
PARTS: Final = {_read(word) + s: role for word, role in (*((each, "") for each in COMPANIONS), *zip(ROLES, ROLES, strict=True))
                for s in ("", "s")}
LONGEST_PART: Final = max(map(len, PARTS))
READ_AT_THE_END: Final = {_read(word): word for word in ROLES if len(word) >= LONG_ROLE_CHARACTERS}
READ_AT_THE_START: Final = {**READ_AT_THE_END, _read("admin"): "admin"}
