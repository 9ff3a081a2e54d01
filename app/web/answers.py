"""Owns what a view may return: a page, which is rendered after the transaction, or a finished response such as a redirect."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

from flask import Response, g, make_response, redirect, render_template, request, url_for

from app.http import cookie_name, current_request_context, login_cookie, runtime
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
# Each page has its own links over and over, and a list of people or payments has one for each.
MAXIMUM_PATHS_KEPT: Final = 4096


def rendered(answer: Answer) -> Response:
    """The response. A page is rendered with the values that every template may use; a finished response stays as it is."""
    if isinstance(answer, Response):
        return answer
    viewer: Viewer | None = g.get("viewer")
    own: dict[str, Any] = {
        "url_for": partial(_kept_path, request.root_path),
        "viewer": viewer,
        # An error page may be shown before the login is looked up, or while the database is away.
        "shows_own_links": viewer is not None or current_request_context().login_token is not None,
        "form": current_form(),
        "currency": runtime().settings.currency,
    }
    return make_response(render_template(answer.template, **own, **answer.values), answer.status)


@lru_cache(maxsize=MAXIMUM_PATHS_KEPT)
def _kept_path(_root_path: str, endpoint: str, /, **values: Any) -> str:  # noqa: ANN401 - what a URL holds differs by page
    """The path of a page or file of ours, as Flask's `url_for` makes it.

    Args:
        _root_path: the path that the request came under. Such a request is refused, and its page has links under that path: nobody
            else may get them.
    """
    return url_for(endpoint, **values)


def see(endpoint: str, **values: Any) -> Response:  # noqa: ANN401 - what a URL holds differs by page
    """Redirect the browser to a page by GET, so that a reload sends no form again."""
    return see_path(url_for(f"web.{endpoint}", **values))


def see_path(path: str) -> Response:
    """As `see`, for a path that is known to be on this site."""
    return make_response(redirect(path, code=303))


def signed_in(response: Response, token: str) -> Response:
    """The same response, with the login's token as the browser's cookie."""
    settings = runtime().settings
    response.set_cookie(**login_cookie(token, secure=settings.secure_cookies, lifetime_seconds=settings.login_lifetime_seconds))
    return response


def signed_out(response: Response) -> Response:
    """The same response, which deletes the login's cookie."""
    secure = runtime().settings.secure_cookies
    response.delete_cookie(cookie_name(secure=secure), path="/", secure=secure, httponly=True, samesite="Lax")
    return response


