"""Owns the rules, the hashing and the comparison of passwords. Knows no person and no database."""

from __future__ import annotations

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from passlib.context import CryptContext

from app.errors import InvalidPasswordError, RateLimitedError
from app.identity.password_strength import estimate_strength
from app.single_line import CODE_POINTS_PER_CHARACTER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from app.settings import Settings

MAXIMUM_PASSWORD_CHARACTERS: Final = 1024
# zxcvbn's third of four scores: too many guesses for an online attack, and too expensive with a stolen hash.
# A common password (of its 30,000) with a year and a mark is below it; four uncommon words are above it.
# Source: D. Wheeler, "zxcvbn: Low-Budget Password Strength Estimation", USENIX Security 2016.
MINIMUM_GUESSES_LOG10: Final = 8
SITE_WORDS: Final = ("wave", "wallet", "wallets", "payment", "payments", "payment system")

# Source: RFC 9106 and the OWASP password storage page: Argon2id with 19 MiB, two passes, one lane.
CONTEXT: Final = CryptContext(
    schemes=["argon2"], argon2__type="ID", argon2__memory_cost=19456, argon2__rounds=2, argon2__parallelism=1,
)

# Compared with the password of an unknown username, so that it takes as long. It is the hash of 32 random bytes that were not kept.
DUMMY_HASH: Final = "$argon2id$v=19$m=19456,t=2,p=1$+N9by7k3ZozxPifkXMvZWw$YoLLRaRCwCSpBMvySMyxrYq/mj3ru6Q3d+ybL4e3fJE"

# A hash takes 19 MiB and a core. More at once are not faster, and leave no core for payments.
HASHES_AT_ONCE: Final = 2
# After this wait the caller is told to try again.
HASH_WAIT_SECONDS: Final = 2


def check_new_password(password: str, *, names: Iterable[str], settings: Settings) -> None:
    """Check a new password: it must be long enough and hard to guess. There is no rule on its composition.

    Args:
        names: the names of the person, which attackers try first.

    Raises: InvalidPasswordError with the reason and what to do.
    Source: NIST SP 800-63B-4, section 3.1.1.2.
    """
    normalized, minimum = _normalized(password), settings.password_minimum_characters
    if len(normalized) < minimum:
        raise _refused(f"A password has at least {minimum} characters. A few words in a row make a good one.")
    if len(normalized) > MAXIMUM_PASSWORD_CHARACTERS:
        raise _refused(f"A password has at most {MAXIMUM_PASSWORD_CHARACTERS} characters.")
    strength = estimate_strength(normalized, names=names, site_words=(*SITE_WORDS, *settings.hosts))
    if strength.guesses_log10 < MINIMUM_GUESSES_LOG10:
        reason = f"This password is easy to guess. {strength.cause.value}"
        raise _refused(f"{reason} Choose another: a few uncommon words in a row make a good one.")


def hash_password(password: str) -> str:
    """The Argon2id hash to store, with its salt and parameters. It takes about 25 ms of a core, on purpose.

    Raises: RateLimitedError if too many passwords are being hashed.
    """
    hashed: str = _run_hash(CONTEXT.hash, _normalized(password))
    return hashed


def verify_password(password: str, stored_hash: str | None) -> tuple[bool, str | None]:
    """Whether the password is right, and a new hash to store if the hashing parameters have changed.

    Args:
        stored_hash: None for an unknown person. Then the dummy hash is compared, so that it takes as long.

    Raises: RateLimitedError if too many passwords are being hashed.
    """
    normalized = _normalized(password)
    if len(normalized) > MAXIMUM_PASSWORD_CHARACTERS:
        normalized = ""  # so that it takes as long as any other password
    right, new_hash = _run_hash(CONTEXT.verify_and_update, normalized, stored_hash or DUMMY_HASH)
    return right and stored_hash is not None, new_hash if stored_hash else None


def _run_hash(work: Callable[..., Any], *arguments: str) -> Any:  # noqa: ANN401 - passlib ships no types
    """Run `work` in a hash thread and return its result. Raises: RateLimitedError if it cannot start in time."""
    hashing = _hash_threads().submit(work, *arguments)
    try:
        return hashing.result(HASH_WAIT_SECONDS)
    except TimeoutError:
        # If it has started, it ends soon, also on a slow machine.
        if hashing.cancel():
            raise RateLimitedError(retry_after_seconds=HASH_WAIT_SECONDS) from None
        return hashing.result()


@cache
def _hash_threads() -> ThreadPoolExecutor:
    # Separate threads: a thread that has hashed keeps 19 MiB. The pool is made at first use, since threads do not survive a fork.
    return ThreadPoolExecutor(HASHES_AT_ONCE, thread_name_prefix="hash")


def _normalized(password: str) -> str:
    # Two keyboards may give different code points for the same characters. Source: RFC 8265.
    # A longer password is cut where its length is already too long.
    return unicodedata.normalize("NFKC", password[:CODE_POINTS_PER_CHARACTER * MAXIMUM_PASSWORD_CHARACTERS + 1])


def _refused(sentence: str) -> InvalidPasswordError:
    return InvalidPasswordError(user_message=sentence)
