"""Owns the operator's badge: the one sign on a page by which people know whoever runs the wallet. No edge gives it, a command does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from app.identity.people import find_person
from app.identity.reserved_names import reserved_word
from app.models import User

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.identity.people import Person


def give_badge(session: Session, *, username: str) -> bool:
    """Mark this account as the operator's; returns whether it was not before. It may then have a name that is kept for the operator.

    Raises: NotFoundError.
    """
    return _set_badge(session, find_person(session, username), is_operator=True)


def take_badge(session: Session, *, username: str) -> bool:
    """The account is the operator's no more; returns whether it was. A name to show that is kept for the operator becomes the handle.

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
