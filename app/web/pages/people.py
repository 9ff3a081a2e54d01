"""Owns the public page of a person, and the suggestions of the pay form. Neither shows a balance or a payment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Response, jsonify

from app.identity import find_person, list_people
from app.web.answers import Page
from app.web.forms import text_of
from app.web.routes import private_page, public_page

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.identity import Viewer

SUGGESTIONS: Final = 8


@public_page("/users/<username>")
def person(session: Session, _viewer: Viewer | None, username: str) -> Page:
    """A person's public page. Raises: NotFoundError."""
    return Page("person.html", {"person": find_person(session, username)})


@private_page("/people.json")
def suggestions(session: Session, viewer: Viewer) -> Response:
    """The people whose username or name contains what was typed so far, for the pay form."""
    found = list_people(session, search=text_of("search"), first=SUGGESTIONS + 1).people
    others = [each for each in found if each.username != viewer.username][:SUGGESTIONS]
    return jsonify([{"username": each.username, "displayName": each.display_name, "isOperator": each.is_operator} for each in others])
