"""Owns the one way to add a page. Public pages are listed by name, all others need a login. Each request is one transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Concatenate, Final

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import UnsupportedMediaType

from app.database import transact
from app.errors import UnauthenticatedError, WalletError
from app.http import AuditEvent, authenticate, current_request_context, is_compressed, log_failure, refused_event, runtime
from app.web.answers import Answer, Page, rendered
from app.web.forms import FormRefusedError, belongs_to_form, errors_of, problems_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from app.identity import Viewer

    PublicView = Callable[Concatenate[Session, Viewer | None, ...], Answer]
    PrivateView = Callable[Concatenate[Session, Viewer, ...], Answer]

# All endpoints of the program that answer without a login. A new one must be added here, where a reviewer sees it.
PUBLIC_ENDPOINTS: Final = frozenset({
    "static", "healthz", "readyz", "api.graphql",
    "web.home", "web.person", "web.register_form", "web.register", "web.login_form", "web.login", "web.logout", "web.account_closed",
})
AUDIT_ACTIONS: Final[dict[str, str]] = {}
"""The name in the log for what each endpoint changes. Filled by the argument `does` of the two decorators."""
# The longest form has a display name, a memo and two passwords: a few KB, even if each letter is four bytes and escaped.
MAXIMUM_FORM_BYTES: Final = 64 * 1024
FORM_TYPES: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})

blueprint: Final = Blueprint("web", __name__)


def public_page(
    rule: str, *, method: str = "GET", does: str | None = None, again: PublicView | None = None
) -> Callable[[PublicView], PublicView]:
    """Add a page that anyone may see. Its endpoint is `web.` and the view's name, and must be in PUBLIC_ENDPOINTS.

    Args:
        method: GET to show, POST to change something.
        does: the name of the change in the log: that of the API's mutation, if there is one.
        again: the view that shows the form again when this one refuses what was entered.
    """

    def add(view: PublicView) -> PublicView:
        endpoint = f"{blueprint.name}.{view.__name__}"
        if endpoint not in PUBLIC_ENDPOINTS:
            raise RuntimeError(f"{endpoint} answers without a login: list it in PUBLIC_ENDPOINTS, or make it a private_page.")

        def answer(**path: Any) -> Response:  # noqa: ANN401 - what a URL holds differs by page
            return _answer(view, again, path)

        if does:
            AUDIT_ACTIONS[endpoint] = does

        # ast-grep-ignore: route-without-login - this is the list: what is not in PUBLIC_ENDPOINTS was refused above
        blueprint.add_url_rule(rule, view.__name__, answer, methods=[method])
        return view

    return add


def private_page(
    rule: str, *, method: str = "GET", does: str | None = None, again: PrivateView | None = None, maximum_bytes: int = MAXIMUM_FORM_BYTES
) -> Callable[[PrivateView], PrivateView]:
    """Add a page that needs a login. Without a login the browser is redirected to the login form, and the view is not called.

    Args:
        method: as `public_page`.
        does: as `public_page`.
        again: as `public_page`.
        maximum_bytes: the size of the largest form that it accepts.
    """

    def add(view: PrivateView) -> PrivateView:
        def answer(**path: Any) -> Response:  # noqa: ANN401 - what a URL holds differs by page
            return _answer(_with_login(view), again and _with_login(again), path, maximum_bytes)

        if does:
            AUDIT_ACTIONS[f"{blueprint.name}.{view.__name__}"] = does

        # ast-grep-ignore: route-without-login - this is the check: whoever has no viewer is sent to log in
        blueprint.add_url_rule(rule, view.__name__, answer, methods=[method])
        return view

    return add


def _with_login(view: PrivateView) -> PublicView:
    def checked(session: Session, viewer: Viewer | None, **path: Any) -> Answer:  # noqa: ANN401 - as above
        if viewer is None:
            raise UnauthenticatedError("no login")
        return view(session, viewer, **path)

    return checked


def _answer(view: PublicView, again: PublicView | None, path: dict[str, Any], maximum_bytes: int = MAXIMUM_FORM_BYTES) -> Response:
    """Run the view in one transaction, and render the page after it, when no lock is held. A refused form is shown again."""
    # The second limits the fields that are not files. Flask has a smaller default for them.
    request.max_content_length = request.max_form_memory_size = maximum_bytes
    is_form = request.mimetype in FORM_TYPES and not is_compressed(current_request_context())
    if request.method == "POST" and request.content_length and not is_form:
        raise UnsupportedMediaType
    try:
        answer = _transacted(view, path)
        if request.endpoint in AUDIT_ACTIONS:
            g.audit_event = AuditEvent(action=AUDIT_ACTIONS[request.endpoint], object_id=g.get("object_id") or next(iter(path.values()),
                                                                                                                    None),
                          count=g.get("count"))
        return rendered(answer)
    except (WalletError, FormRefusedError) as error:
        if again is None or not belongs_to_form(error):
            raise
        g.audit_event = refused_event(errors_of(error)[0], AUDIT_ACTIONS.get(request.endpoint or ""))
        for each in errors_of(error):
            log_failure(each, current_request_context())
        g.problems = problems_of(error)
        shown = _transacted(again, path)
        return rendered(replace(shown, status=error.http_status) if isinstance(shown, Page) else shown)


def _transacted(view: PublicView, path: dict[str, Any]) -> Answer:
    def work(session: Session) -> Answer:
        g.viewer = _viewer(session)
        return view(session, g.viewer, **path)

    return transact(runtime().sessions, work)


def _viewer(session: Session) -> Viewer | None:
    viewer = authenticate(session, current_request_context(), runtime().settings)
    if viewer is not None:
        # The cross-site check does not apply to requests with an API token, so a token must not open a page.
        viewer.require_login()
        g.username = viewer.username
    return viewer
