"""Owns the list of people: a page of it in the order of the handles, what a search finds, how many there are. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Select, bindparam, func, literal_column, or_, select

from app.database import PreparedStatement
from app.errors import InvalidInputError, error_field
from app.identity.people import PERSON_COLUMNS, Person
from app.models import User
from app.single_line import parse_search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

MAXIMUM_PEOPLE_PER_PAGE: Final = 100
# Each is a plan that every connection keeps.
PREPARED_SIZES: Final = (25, MAXIMUM_PEOPLE_PER_PAGE)
COUNT: Final = select(func.count()).select_from(User).where(User.closed_at.is_(None))
COUNT_OF_ALL: Final = PreparedStatement("count_people", COUNT)


@dataclass(frozen=True, slots=True)
class PersonPage:
    """A page of people, ordered by username."""

    people: list[Person]
    more_follow: bool


def list_people(session: Session, *, search: str | None = None, first: int = 20, after: str | None = None) -> PersonPage:
    """A page of people, ordered by username.

    Args:
        search: part of a username or display name, in any case; parsed by `parse_search`.
        first: the size of the page, 1 to MAXIMUM_PEOPLE_PER_PAGE.
        after: the last username of the previous page.

    Raises: InvalidInputError (search, first).
    """
    if not 1 <= first <= MAXIMUM_PEOPLE_PER_PAGE:
        raise InvalidInputError(user_message=f"A page has 1 to {MAXIMUM_PEOPLE_PER_PAGE} people.", field="first")
    part, start = _part_of_name(search), after or ""
    rows: Sequence[Any]
    if part:
        rows = session.execute(_matching(_page(first), part), {"after": start}).all()
    else:
        rows = _page_of_all(next(size for size in PREPARED_SIZES if size >= first)).rows(session.connection(), after=start)
    return PersonPage([Person._make(row) for row in rows[:first]], more_follow=len(rows) > first)


def count_people(session: Session, *, search: str | None = None) -> int:
    """How many people there are, or match `search`. Raises: InvalidInputError (search)."""
    part = _part_of_name(search)
    if part:
        return session.scalar(_matching(COUNT, part)) or 0
    ((count,),) = COUNT_OF_ALL.rows(session.connection())
    return int(count)


@cache
def _page_of_all(first: int) -> PreparedStatement:
    return PreparedStatement(f"people_{first}", _page(first))


def _page(first: int) -> Select[*tuple[Any, ...]]:
    """The first people after a handle, and one more, who tells whether others follow."""
    # As a literal, for a plan that is kept would otherwise be made for a tenth of all rows.
    of_all = select(*PERSON_COLUMNS).where(User.closed_at.is_(None), User.username > bindparam("after"))
    return of_all.order_by(User.username).limit(literal_column(str(first + 1)))


def _matching(people: Select[*tuple[Any, ...]], part: str) -> Select[*tuple[Any, ...]]:
    return people.where(or_(User.username.icontains(part, autoescape=True), User.display_name.icontains(part, autoescape=True)))


def _part_of_name(search: str | None) -> str:
    with error_field("search"):
        return parse_search(search)
