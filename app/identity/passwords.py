"""Owns passwords: which are allowed, how they are hashed, how they are compared. Knows no person and no database."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Final

from passlib.context import CryptContext
from zxcvbn import zxcvbn

from app.errors import InvalidPasswordError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAXIMUM_PASSWORD_CHARACTERS: Final = 1024
# Guessable with fewer than a million tries: common passwords, keyboard rows, repeats and the person's own name among them.
# Source: D. Wheeler, "zxcvbn: Low-Budget Password Strength Estimation", USENIX Security 2016.
MINIMUM_STRENGTH: Final = 2
# The estimate's time explodes with the number of characters that could stand for letters: 0.04 s for the worst 16, 0.5 s for 32,
# and whoever registers is anonymous. A password whose first 16 are hard to guess is hard to guess.
ESTIMATED_CHARACTERS: Final = 16
NAMES_OF_THE_SITE: Final = ("wave", "wallet", "payment")

# Source: RFC 9106 and the OWASP password storage page: Argon2id with 19 MiB, two passes, one lane.
CONTEXT: Final = CryptContext(
    schemes=["argon2"], argon2__type="ID", argon2__memory_cost=19456, argon2__rounds=2, argon2__parallelism=1,
)


def check_new_password(password: str, *, minimum_characters: int, names: Iterable[str] = ()) -> None:
    """Whether a person may choose this password: long enough and not easily guessed; no rule on its composition.

    Args:
        names: the person's own, so that a password made of them counts as weak.

    Raises: InvalidPasswordError with what to do.
    Source: NIST SP 800-63B-4, section 3.1.1.2.
    """
    normal = _normal(password)
    if len(normal) < minimum_characters:
        raise _refused(f"A password has at least {minimum_characters} characters. A few words in a row make a good one.")
    if len(normal) > MAXIMUM_PASSWORD_CHARACTERS:
        raise _refused(f"A password has at most {MAXIMUM_PASSWORD_CHARACTERS} characters.")
    estimate = zxcvbn(normal[:ESTIMATED_CHARACTERS], user_inputs=[*names, *NAMES_OF_THE_SITE])
    if estimate["score"] < MINIMUM_STRENGTH:
        reason = estimate["feedback"]["warning"] or "This password is easy to guess."
        raise _refused(f"{reason} Choose another: a few uncommon words in a row make a good one.")


def hash_password(password: str) -> str:
    """The Argon2id hash to store, with its own salt and parameters in it. Takes some 25 ms of one core, on purpose."""
    hashed: str = CONTEXT.hash(_normal(password))
    return hashed


def verify_password(password: str, stored_hash: str | None) -> tuple[bool, str | None]:
    """Whether the password is right, and a new hash to store when the parameters have changed since.

    Args:
        stored_hash: None for a person who does not exist: a hash of nobody's is compared, so the answer takes as long.
    """
    normal = _normal(password)
    if len(normal) > MAXIMUM_PASSWORD_CHARACTERS:
        normal = ""  # the same time as any other, whatever was sent
    right, new_hash = CONTEXT.verify_and_update(normal, stored_hash or _hash_of_nobody())
    return right and stored_hash is not None, new_hash if stored_hash else None


@cache
def _hash_of_nobody() -> str:
    return hash_password("the password of nobody at all")


def _normal(password: str) -> str:
    # The same characters typed on two keyboards may differ in their code points. Source: RFC 8265.
    return unicodedata.normalize("NFKC", password)


def _refused(sentence: str) -> InvalidPasswordError:
    return InvalidPasswordError(user_message=sentence)
