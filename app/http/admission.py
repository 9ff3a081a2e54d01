"""Owns what may be tried how often, at either edge: logins, registrations, passwords and payments. Asked before the work, not after.

What is counted in PostgreSQL is stored at once, in a transaction of its own: a try counts whatever becomes of it.
Requests as such are not counted here: nginx does that by address, before any of our code runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.errors import InvalidUsernameError
from app.http.address import address_block
from app.identity import parse_username
from app.throttles import Place, Rule, Turn, remember, take_turn

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.http.facts import Facts
    from app.identity import Viewer
    from app.settings import Settings

# Somebody who mistypes has enough tries; somebody who guesses has 2,880 a day at one account from one place.
LOGINS_AT_ACCOUNT_FROM_BLOCK: Final = Rule("login: account from block", 10, 30)
# And so many at one account from all places together, where its owner never was.
LOGINS_AT_ACCOUNT: Final = Rule("login: account", 50, 30)
# A block may be an office or a school.
LOGINS_FROM_BLOCK: Final = Rule("login: block", 60, 2)
# Each costs 25 ms of a processor: a quarter of one at most, however many take part.
LOGINS: Final = Rule("login", 50, 0.1)
REGISTRATIONS_FROM_BLOCK: Final = Rule("registration: block", 20, 60)
REGISTRATIONS: Final = Rule("registration", 100, 1)
# Of somebody who is signed in, or has their cookie: the old password before a new one, and before a token.
PASSWORDS_OF_PERSON: Final = Rule("password: person", 10, 60)

# From where somebody logged in once, strangers elsewhere cannot keep them out: only what is tried at this very account from this very
# block, or at all from this block, counts there. Source: OWASP, "Slow Down Online Guessing Attacks with Device Cookies".
KNOWN_PLACE: Final = "login: known place"
KNOWN_SECONDS: Final = 90 * 24 * 3600


def admit_login(session: Session, username: str, facts: Facts, settings: Settings) -> None:
    """Count a try to log in, whoever's the name is, or nobody's. Raises: RateLimitedError."""
    account, block = _account(username), address_block(facts.remote_address)
    _take(session, settings, [
        Turn(LOGINS_AT_ACCOUNT_FROM_BLOCK, (account, block)),
        Turn(LOGINS_AT_ACCOUNT, (account,), of_strangers=True),
        Turn(LOGINS_FROM_BLOCK, (block,)),
        Turn(LOGINS, of_strangers=True),
    ], _place(username, facts))


def remember_login(session: Session, username: str, facts: Facts) -> None:
    """Know from where somebody logged in."""
    remember(session, _place(username, facts), seconds=KNOWN_SECONDS)


def admit_registration(session: Session, facts: Facts, settings: Settings) -> None:
    """Count a try to register. Raises: RateLimitedError."""
    _take(session, settings, [Turn(REGISTRATIONS_FROM_BLOCK, (address_block(facts.remote_address),)), Turn(REGISTRATIONS)])


def admit_password(session: Session, viewer: Viewer, settings: Settings) -> None:
    """Count a try of somebody who is signed in to give their password again. Raises: RateLimitedError."""
    _take(session, settings, [Turn(PASSWORDS_OF_PERSON, (str(viewer.user_id),))])


def _take(session: Session, settings: Settings, turns: list[Turn], place: Place | None = None) -> None:
    take_turn(session, turns, place=place, scale=settings.throttle_scale)
    # Kept, and the connection free for others while a password is hashed.
    session.commit()


def _place(username: str, facts: Facts) -> Place:
    return Place(KNOWN_PLACE, (_account(username), address_block(facts.remote_address)))


def _account(username: str) -> str:
    try:
        return parse_username(username)
    except InvalidUsernameError:
        return ""  # nobody's; as many ways as there are to write one, they count as one
