"""Owns passwords: which are allowed, how they are hashed, how they are compared. Knows no person and no database."""

from __future__ import annotations

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from passlib.context import CryptContext

from app.errors import InvalidPasswordError, RateLimitedError
from app.identity.password_strength import estimate_strength
from app.lines import CODE_POINTS_PER_CHARACTER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from app.settings import Settings

MAXIMUM_PASSWORD_CHARACTERS: Final = 1024
# zxcvbn's third of four scores: too many to be tried online, and too dear to be tried with the hash at hand.
# Any of its 30,000 common passwords with a year and a mark is below it, any four uncommon words are above.
# Source: D. Wheeler, "zxcvbn: Low-Budget Password Strength Estimation", USENIX Security 2016.
MINIMUM_GUESSES_LOG10: Final = 8
WORDS_OF_THE_SITE: Final = ("wave", "wallet", "wallets", "payment", "payments", "payment system")

# Source: RFC 9106 and the OWASP password storage page: Argon2id with 19 MiB, two passes, one lane.
CONTEXT: Final = CryptContext(
    schemes=["argon2"], argon2__type="ID", argon2__memory_cost=19456, argon2__rounds=2, argon2__parallelism=1,
)

# What a password is compared with where there is no such person, so that it takes as long. Made of 32 random bytes that were not kept.
HASH_OF_NOBODY: Final = "$argon2id$v=19$m=19456,t=2,p=1$+N9by7k3ZozxPifkXMvZWw$YoLLRaRCwCSpBMvySMyxrYq/mj3ru6Q3d+ybL4e3fJE"

# Each takes 19 MiB and a core. More at once would be no faster, and would leave nothing for those who pay.
HASHES_AT_ONCE: Final = 2
# Behind so many others that it is better to be told so.
HASH_WAIT_SECONDS: Final = 2


def check_new_password(password: str, *, names: Iterable[str], settings: Settings) -> None:
    """Whether a person may choose this password: long enough and not easily guessed; no rule on its composition.

    Args:
        names: the person's own, which everybody sees and tries first.

    Raises: InvalidPasswordError with what is wrong and what to do.
    Source: NIST SP 800-63B-4, section 3.1.1.2.
    """
    normal, minimum = _normal(password), settings.password_minimum_characters
    if len(normal) < minimum:
        raise _refused(f"A password has at least {minimum} characters. A few words in a row make a good one.")
    if len(normal) > MAXIMUM_PASSWORD_CHARACTERS:
        raise _refused(f"A password has at most {MAXIMUM_PASSWORD_CHARACTERS} characters.")
    strength = estimate_strength(normal, names=names, site_words=(*WORDS_OF_THE_SITE, *settings.hosts))
    if strength.guesses_log10 < MINIMUM_GUESSES_LOG10:
        reason = f"This password is easy to guess. {strength.cause.value}"
        raise _refused(f"{reason} Choose another: a few uncommon words in a row make a good one.")


def hash_password(password: str) -> str:
    """The Argon2id hash to store, with its own salt and parameters in it. Takes some 25 ms of one core, on purpose.

    Raises: RateLimitedError while too many others are hashed.
    """
    hashed: str = _in_turn(CONTEXT.hash, _normal(password))
    return hashed


def verify_password(password: str, stored_hash: str | None) -> tuple[bool, str | None]:
    """Whether the password is right, and a new hash to store when the parameters have changed since.

    Args:
        stored_hash: None for a person who does not exist: a hash of nobody's is compared, so the answer takes as long.

    Raises: RateLimitedError while too many others are hashed.
    """
    normal = _normal(password)
    if len(normal) > MAXIMUM_PASSWORD_CHARACTERS:
        normal = ""  # the same time as any other, whatever was sent
    right, new_hash = _in_turn(CONTEXT.verify_and_update, normal, stored_hash or HASH_OF_NOBODY)
    return right and stored_hash is not None, new_hash if stored_hash else None


def _in_turn(work: Callable[..., Any], *arguments: str) -> Any:  # noqa: ANN401 - passlib ships no types
    """What the work returns. Raises: RateLimitedError when it has no turn in time."""
    hashing = _hashers().submit(work, *arguments)
    try:
        return hashing.result(HASH_WAIT_SECONDS)
    except TimeoutError:
        # Once it is its turn it ends soon, however slow the machine is.
        if hashing.cancel():
            raise RateLimitedError(retry_after_seconds=HASH_WAIT_SECONDS) from None
        return hashing.result()


@cache
def _hashers() -> ThreadPoolExecutor:
    # Threads of their own: each keeps the 19 MiB of its last hash, and so would all others that ever hashed.
    # Made at its first use, for threads do not survive a fork.
    return ThreadPoolExecutor(HASHES_AT_ONCE, thread_name_prefix="hash")


def _normal(password: str) -> str:
    # The same characters typed on two keyboards may differ in their code points. Source: RFC 8265.
    # Of a longer one, no more than shows that it is too long.
    return unicodedata.normalize("NFKC", password[:CODE_POINTS_PER_CHARACTER * MAXIMUM_PASSWORD_CHARACTERS + 1])


def _refused(sentence: str) -> InvalidPasswordError:
    return InvalidPasswordError(user_message=sentence)
