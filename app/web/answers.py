"""Owns what a view may answer: a page to render once the transaction is over, or a finished response such as a redirect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import Response, g, make_response, redirect, render_template, url_for

from app.http import cookie_name, facts_of_request, login_cookie, wave
from app.web import wording
from app.web.forms import current_form

if TYPE_CHECKING:
    from app.identity import Viewer


@dataclass(frozen=True, slots=True)
class Page:
    """A template and what it shows."""

    template: str
    values: dict[str, Any] = field(default_factory=dict)
    status: int = 200


Answer = Page | Response


def rendered(answer: Answer) -> Response:
    """The response: a page is rendered with what every template may use; a finished response stays as it is."""
    if isinstance(answer, Response):
        return answer
    viewer: Viewer | None = g.get("viewer")
    own: dict[str, Any] = {
        "viewer": viewer,
        # An error page may be shown before anyone asked who it is, or while the database that knows is away.
        "shows_own_links": viewer is not None or facts_of_request().login_token is not None,
        "form": current_form(),
        "currency": wave().settings.currency,
        "wording": wording,
    }
    return make_response(render_template(answer.template, **own, **answer.values), answer.status)


def see(endpoint: str, **values: Any) -> Response:  # noqa: ANN401 - what a URL holds differs by page
    """Send the browser on to a page, by GET: a reload of what it shows then sends nothing twice."""
    return see_path(url_for(f"web.{endpoint}", **values))


def see_path(path: str) -> Response:
    """As `see`, for a path that is known to be our own."""
    return make_response(redirect(path, code=303))


def signed_in(response: Response, token: str) -> Response:
    """The same response, with the login's token as the browser's cookie."""
    settings = wave().settings
    response.set_cookie(**login_cookie(token, secure=settings.secure_cookies, lifetime_seconds=settings.login_lifetime_seconds))
    return response


def signed_out(response: Response) -> Response:
    """The same response, taking the login's cookie away."""
    secure = wave().settings.secure_cookies
    response.delete_cookie(cookie_name(secure=secure), path="/", secure=secure, httponly=True, samesite="Lax")
    return response


