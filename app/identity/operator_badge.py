"""Owns the operator's badge, which marks the accounts of those who run the wallet. Only a command of the operator gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from app.identity.people import find_person
from app.identity.reserved_names import reserved_word
from app.models import User

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.identity.people import Person


def grant_operator_badge(session: Session, *, username: str) -> bool:
    """Give this account the badge, and so the right to a reserved display name. Returns: whether it did not have the badge before.

    Raises: NotFoundError.
    """
    return _set_badge(session, find_person(session, username), is_operator=True)


def revoke_operator_badge(session: Session, *, username: str) -> bool:
    """Take the badge away. A reserved display name is replaced by the username. Returns: whether the account had the badge.

    Raises: NotFoundError.
    """
    person = find_person(session, username)
    taken = _set_badge(session, person, is_operator=False)
    if taken and reserved_word(person.display_name):
        session.execute(update(User).where(User.username == person.username).values(display_name=person.username))
    return taken


def _set_badge(session: Session, person: Person, *, is_operator: bool) -> bool:
    changed = update(User).where(User.username == person.username, User.is_operator != is_operator).values(is_operator=is_operator)
    return session.scalar(changed.returning(User.id)) is not None
