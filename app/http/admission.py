"""Owns the rate limits of logins, registrations and password checks, for the pages and the API. They are checked before the work.

An attempt is counted in its own transaction, so it counts whether it succeeds or not.
nginx limits requests by address; that is not part of this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.errors import InvalidUsernameError
from app.http.address import address_block
from app.identity import parse_username
from app.throttles import Attempt, KnownPlace, Rule, count_attempts, remember_place

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.http.request_context import RequestContext
    from app.identity import Viewer
    from app.settings import Settings

# Enough for typing errors. An attacker has 2,880 guesses a day at one account from one block.
LOGINS_AT_ACCOUNT_FROM_BLOCK: Final = Rule("login: account from block", 10, 30)
# At one account, from all unknown places together.
LOGINS_AT_ACCOUNT: Final = Rule("login: account", 50, 30)
# A block may be an office or a school.
LOGINS_FROM_BLOCK: Final = Rule("login: block", 60, 2)
# A login takes 25 ms of a processor, so this is a quarter of a processor at most.
LOGINS: Final = Rule("login", 50, 0.1)
REGISTRATIONS_FROM_BLOCK: Final = Rule("registration: block", 20, 60)
REGISTRATIONS: Final = Rule("registration", 100, 1)
# A signed-in person confirms the password before a new password or a token. Somebody may have stolen the cookie.
PASSWORDS_OF_PERSON: Final = Rule("password: person", 10, 60)

# Attackers elsewhere cannot lock a person out of a known place: there, only attempts from the same block count.
# Source: OWASP, "Slow Down Online Guessing Attacks with Device Cookies".
KNOWN_PLACE: Final = "login: known place"
KNOWN_SECONDS: Final = 90 * 24 * 3600


def admit_login(session: Session, username: str, request_context: RequestContext, settings: Settings) -> None:
    """Count an attempt to log in, also with an unknown username. Raises: RateLimitedError."""
    account, block = _account(username), address_block(request_context.remote_address)
    _count_attempts(session, settings, [
        Attempt(LOGINS_AT_ACCOUNT_FROM_BLOCK, (account, block)),
        Attempt(LOGINS_AT_ACCOUNT, (account,), from_unknown_place=True),
        Attempt(LOGINS_FROM_BLOCK, (block,)),
        Attempt(LOGINS, from_unknown_place=True),
    ], _known_place(username, request_context))


def remember_login(session: Session, username: str, request_context: RequestContext) -> None:
    """Store the place of a successful login as known."""
    remember_place(session, _known_place(username, request_context), seconds=KNOWN_SECONDS)


def admit_registration(session: Session, request_context: RequestContext, settings: Settings) -> None:
    """Count an attempt to register. Raises: RateLimitedError."""
    _count_attempts(session, settings, [Attempt(REGISTRATIONS_FROM_BLOCK, (address_block(request_context.remote_address),)),
                                        Attempt(REGISTRATIONS)])


def admit_password(session: Session, viewer: Viewer, settings: Settings) -> None:
    """Count an attempt of a signed-in person to confirm the password. Raises: RateLimitedError."""
    _count_attempts(session, settings, [Attempt(PASSWORDS_OF_PERSON, (str(viewer.user_id),))])


def _count_attempts(session: Session, settings: Settings, attempts: list[Attempt], place: KnownPlace | None = None) -> None:
    count_attempts(session, attempts, place=place, scale=settings.throttle_scale)
    # Stores the count, and frees the connection while the password is hashed.
    session.commit()


def _known_place(username: str, request_context: RequestContext) -> KnownPlace:
    return KnownPlace(KNOWN_PLACE, (_account(username), address_block(request_context.remote_address)))


def _account(username: str) -> str:
    try:
        return parse_username(username)
    except InvalidUsernameError:
        return ""  # all invalid usernames count as one account
