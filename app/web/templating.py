"""Owns what every template may use: filters, and parts of a page that are rendered once for the same values."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, NamedTuple

from flask import current_app

from app.web import wording
from app.web.routes import blueprint

if TYPE_CHECKING:
    from collections.abc import Hashable

    from app.identity import Person, Viewer
    from app.payments import Counterparty
    from app.web.forms import Form

# A page has up to a hundred people, and most pages show the same ones. A part has some 500 bytes.
MAXIMUM_PARTS_KEPT: Final = 4096
FILTERS: Final = (
    wording.browser, wording.by_day, wording.clock, wording.colour, wording.day, wording.full, wording.initials, wording.iso,
    wording.iso_day, wording.particulars, wording.signed,
)
# The macros of parts/person.html, each a filter: `{{ person | badge("is-small") }}`.
PERSON_PARTS: Final = ("badge", "named", "option", "recent", "shown_name", "tile")


class Shown(NamedTuple):
    """All that a page shows of a person."""

    username: str
    display_name: str | None
    is_operator: bool | None


@blueprint.app_template_global()
def field(form: Form, name: str, label: str, *, hint: str | None = None, value: str | None = None, type: str = "text",  # noqa: A002 - HTML's name
          optional: bool = False, **attributes: str | int) -> str:
    """An input with its label, its hint and what is wrong with it.

    Args:
        value: what it holds; by default what was entered before.
        attributes: further ones of the `<input>`.
    """
    shown, problem = form.value(name) if value is None else value, form.problem(name)
    # A value that a person entered is not kept in memory.
    make = _made_part if shown or problem else _kept_part
    return make("parts/form.html", "labelled_input", name, label, hint, shown, problem, type, optional, tuple(attributes.items()))


def _part_of_person(macro: str, person: Viewer | Person | Counterparty, *values: str) -> str:
    return _kept_part_of_person(macro, person.username, person.display_name, person.is_operator, *values)


def _made_part(template: str, macro: str, *values: Hashable) -> str:
    """The output of a macro for these values. The macro knows nothing else of the request."""
    made: str = getattr(current_app.jinja_env.get_template(template).module, macro)(*values)
    return made


_kept_part = lru_cache(maxsize=MAXIMUM_PARTS_KEPT)(_made_part)


@lru_cache(maxsize=MAXIMUM_PARTS_KEPT)
def _kept_part_of_person(macro: str, username: str, display_name: str | None, is_operator: bool | None, *values: str) -> str:  # noqa: FBT001 - as a key
    return _made_part("parts/person.html", macro, Shown(username, display_name, is_operator), *values)


for form_of_value in FILTERS:
    blueprint.add_app_template_filter(form_of_value)
for macro_name in PERSON_PARTS:
    blueprint.add_app_template_filter(partial(_part_of_person, macro_name), macro_name)
