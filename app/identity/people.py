"""Owns people: usernames and display names, registration, finding people, changing a password."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import uuid4

from sqlalchemy import ARRAY, Text, any_, bindparam, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from app import ledger
from app.database import PreparedStatement
from app.errors import InvalidInputError, InvalidUsernameError, NotFoundError, UsernameTakenError, WrongCredentialsError, error_field
from app.identity.logins import logged_in_recently
from app.identity.passwords import check_new_password, hash_password, verify_password
from app.identity.reserved_names import has_trust_mark, reserved_word
from app.identity.retired_usernames import NEUTRAL_USERNAME_PREFIX, is_username_retired
from app.models import User
from app.single_line import parse_single_line, trimmed, unless_blank

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.database import NamedRow
    from app.identity.viewer import Viewer
    from app.settings import Settings

USERNAME_PATTERN: Final = re.compile(r"[a-z][a-z0-9_-]{2,31}")
MAXIMUM_DISPLAY_NAME_CHARACTERS: Final = 64


class Person(NamedTuple):
    """The public data of a person. A tuple, because a page lists up to a hundred."""

    username: str
    display_name: str
    joined_at: datetime
    is_operator: bool
    """Whether they have the operator's badge."""
    account_id: int
    """For the program only; it is never shown."""


# The columns of a Person, in the order of its fields.
PERSON_COLUMNS: Final = (User.username, User.display_name, User.joined_at, User.is_operator, User.account_id)
PERSON_OF_NAME: Final = PreparedStatement(
    "person_of_name", select(*PERSON_COLUMNS, User.id, User.password_hash).where(User.username == bindparam("username")))


def parse_username(text: object) -> str:
    """Parse a username: ASCII, 3 to 32 characters, so that no two usernames look alike.

    White space at the ends and one leading @ are removed. Upper case becomes lower case.

    Args:
        text: anything but a string is refused.

    Raises: InvalidUsernameError.
    """
    if not isinstance(text, str):
        raise InvalidUsernameError(f"{type(text).__name__} instead of text")
    written = trimmed(text).removeprefix("@")
    # Only ASCII is lowered: the Kelvin sign would become a k.
    username = written.lower() if written.isascii() else written
    if USERNAME_PATTERN.fullmatch(username) is None:
        raise InvalidUsernameError(f"not a handle, of {len(text)} characters")
    return username


def parse_new_username(session: Session, text: object) -> str:
    """Parse a username that a new person may have. Another person may still take it before `register`.

    Raises: InvalidUsernameError, UsernameTakenError.
    """
    username = parse_username(text)
    word = reserved_word(username)
    if word:
        raise InvalidUsernameError(f"reads as {word}: {username}", user_message=_reserved_message("username", word))
    if username.startswith(NEUTRAL_USERNAME_PREFIX):
        raise InvalidUsernameError(f"reserved: {username}", user_message="That username is kept for closed accounts. Choose another.")
    if session.scalar(select(User.id).where(User.username == username)) or is_username_retired(session, username):
        raise UsernameTakenError(username)
    return username


def register(session: Session, *, username: object, password: str, display_name: str | None, settings: Settings) -> Person:
    """Register a person with an open wallet, which holds the opening balance if the settings have one.

    Raises: InvalidUsernameError, InvalidPasswordError, InvalidInputError (display name), UsernameTakenError.
    """
    username = parse_new_username(session, username)
    display_name = unless_blank(parse_display_name, display_name) or parse_display_name(username)
    check_new_password(password, names=(username, display_name), settings=settings)
    person = _insert_user(session, username, display_name, hash_password(password), ledger.open_account(session, settings.currency))
    opening = settings.opening_amount
    if opening:
        issuance = ledger.issuance_account(session, settings.currency)
        ledger.post(session, transfer_id=uuid4(), kind="issue", source=issuance, destination=person.account_id,
                    amount=opening, memo="Opening balance")
    return person


def check_credentials(session: Session, *, username: str, password: str) -> Person:
    """The person with this username and password. Stores a new hash if the hashing parameters have changed.

    Raises: WrongCredentialsError, with the same time and message for an unknown username and a wrong password.
    """
    row = _find_user(session, username)
    right, new_hash = verify_password(password, row.password_hash if row else None)
    if row is None or not right:
        # The typed text is not logged: people type their password into the wrong field.
        refused = WrongCredentialsError(f"login refused for {row.username if row else 'an unknown name'}")
        refused.account = row.username if row else None
        raise refused
    if new_hash:
        session.execute(update(User).where(User.id == row.id).values(password_hash=new_hash))
    return _person(row)


def change_password(session: Session, viewer: Viewer, *, current: str, new: str, settings: Settings) -> None:
    """Store a new password. The caller then calls `end_all_logins`, and `start_login` for this browser.

    Raises: WrongCredentialsError for a wrong `current`, InvalidPasswordError for `new`, ForbiddenError for an API token.
    """
    viewer.require_login()
    row = session.execute(select(User).where(User.id == viewer.user_id).with_for_update()).scalar_one()
    if not verify_password(current, row.password_hash)[0]:
        raise _wrong_password()
    with error_field("newPassword"):
        check_new_password(new, names=(row.username, row.display_name), settings=settings)
    row.password_hash = hash_password(new)
    session.flush()


def confirm_password(session: Session, viewer: Viewer, password: str | None) -> None:
    """Check the password of a signed-in person before a sensitive action. A stolen login alone is not enough for it.

    Args:
        password: may be None after a recent login; see `logged_in_recently`.

    Raises: WrongCredentialsError, ForbiddenError for an API token.
    """
    viewer.require_login()
    if password is None:
        if not logged_in_recently(session, viewer):
            message = "Give your password again: it is a while ago that you logged in."
            raise WrongCredentialsError("no password", user_message=message, field="currentPassword")
        return
    stored = session.scalar(select(User.password_hash).where(User.id == viewer.user_id))
    if not verify_password(password, stored)[0]:
        raise _wrong_password()


def reset_password(session: Session, *, username: str, new: str, settings: Settings) -> None:
    """Store a new password as the operator, for a person who forgot theirs.

    Raises: NotFoundError, InvalidPasswordError.
    """
    person = find_person(session, username)
    check_new_password(new, names=(person.username, person.display_name), settings=settings)
    session.execute(update(User).where(User.username == person.username).values(password_hash=hash_password(new)))


def change_display_name(session: Session, viewer: Viewer, display_name: str) -> None:
    """Store a new display name. The username never changes: payments are addressed to it.

    Raises: InvalidInputError, ForbiddenError for an API token.
    """
    viewer.require_login()
    name = parse_display_name(display_name, is_operator=viewer.is_operator)
    session.execute(update(User).where(User.id == viewer.user_id).values(display_name=name))


def unknown_person(username: str, *, field: str | None = None) -> NotFoundError:
    """The error for a username that nobody has."""
    message = "There is nobody by that username. Check the spelling."
    return NotFoundError(f"no user {username[:40]!r}", user_message=message, field=field)


def find_person(session: Session, username: object) -> Person:
    """Raises: NotFoundError, also for an invalid username."""
    row = _find_user(session, username)
    if row is None:
        raise unknown_person(username if isinstance(username, str) else type(username).__name__)
    return _person(row)


def find_people(session: Session, usernames: Collection[str]) -> dict[str, Person]:
    """The people with these usernames, by the given text. Unknown usernames are left out. Runs one statement."""
    meant = {text: username for text in usernames if (username := normalized_username(text))}
    wanted = select(*PERSON_COLUMNS).where(User.username == any_(literal(sorted(set(meant.values())), ARRAY(Text))))
    found = {row.username: Person(*row) for row in session.execute(wanted)} if meant else {}
    return {text: found[username] for text, username in meant.items() if username in found}


def _wrong_password() -> WrongCredentialsError:
    return WrongCredentialsError(user_message="The current password is not right. Try again.", field="currentPassword")


def _find_user(session: Session, text: object) -> NamedRow | None:
    username = normalized_username(text)
    found = PERSON_OF_NAME.named_rows(session.connection(), username=username) if username else []
    return found[0] if found else None


def normalized_username(text: object) -> str | None:
    """The handle that `text` means, as `parse_username` reads it; None for what could be nobody's."""
    try:
        return parse_username(text)
    except InvalidUsernameError:
        return None  # PostgreSQL would refuse some such texts: a NUL, half a surrogate pair


def _insert_user(session: Session, username: str, display_name: str, password_hash: str, account_id: int) -> Person:
    values = {"username": username, "display_name": display_name, "password_hash": password_hash, "account_id": account_id}
    try:
        return Person(*session.execute(insert(User).values(values).returning(*PERSON_COLUMNS)).one())
    except IntegrityError as error:
        # Another person registered the same username after it was checked.
        raise UsernameTakenError(username) from error


def _person(row: NamedRow) -> Person:
    return Person(row.username, row.display_name, row.joined_at, row.is_operator, row.account_id)


def parse_display_name(text: str, *, is_operator: bool = False) -> str:
    """Parse a display name, by `parse_single_line`.

    Args:
        is_operator: whether the account has the operator's badge, and so may have a reserved name.

    Raises: InvalidInputError if it is empty, too long, has a hidden character, or is reserved for the operator.
    """
    with error_field("displayName"):
        name = parse_single_line(text, "display name", maximum_characters=MAXIMUM_DISPLAY_NAME_CHARACTERS)
        if not name:
            raise InvalidInputError(user_message="Enter a display name.")
        if name.startswith("@"):
            raise InvalidInputError(user_message="A name to show does not begin with @. Leave it out.")
        if has_trust_mark(name):
            message = "A name to show has no check marks and no shields: they could be taken for a badge. Leave them out."
            raise InvalidInputError(user_message=message)
        word = None if is_operator else reserved_word(name)
        if word:
            raise InvalidInputError(user_message=_reserved_message("name", word))
    return name


def _reserved_message(what: str, word: str) -> str:
    return f'That {what} reads as "{word}", which is kept for those who run this wallet. Choose a {what} without it.'

