"""Owns the home page: what Wave is, the list of people, and whether the books balance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from app import ledger
from app.errors import InvalidUsernameError
from app.http import runtime
from app.identity import count_people, list_people, parse_username
from app.web.answers import Page
from app.web.forms import text_of
from app.web.routes import public_page

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.identity import Viewer

PEOPLE_PER_PAGE: Final = 24


def unsearched(session: Session, viewer: Viewer | None) -> Page:
    """The home page without a search, shown when the search was refused."""
    return _page(session, viewer, search=None)


@public_page("/", again=unsearched)
def home(session: Session, viewer: Viewer | None) -> Page:
    """The home page. A setting decides whether it lists people to everyone or only to people who are signed in."""
    return _page(session, viewer, search=text_of("search"))


def _page(session: Session, viewer: Viewer | None, *, search: str | None) -> Page:
    settings = runtime().settings
    lists_people = viewer is not None or settings.user_list_public
    values: dict[str, Any] = {"books": ledger.trial_balance(session, settings.currency), "lists_people": lists_people}
    if lists_people:
        values["page"] = list_people(session, search=search, first=PEOPLE_PER_PAGE, after=_after())
        values["count"] = count_people(session, search=search)
    return Page("home.html", values)


def _after() -> str | None:
    try:
        return parse_username(text_of("after"))
    except InvalidUsernameError:
        return None
