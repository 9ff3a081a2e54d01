"""Owns the account page: display name, password, logins, API tokens, closing the account."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID  # noqa: TC003 - as in receipts.py

from flask import g

from app import payments
from app.errors import InvalidInputError, WrongCredentialsError, error_field
from app.http import admit_password, runtime
from app.identity import (
    Scope,
    change_display_name,
    change_password,
    check_new_password,
    close_own_account,
    confirm_password,
    create_api_token,
    end_all_logins,
    end_login,
    list_api_tokens,
    list_logins,
    logged_in_recently,
    revoke_all_api_tokens,
    revoke_api_token,
)
from app.web.answers import Page, see, signed_out
from app.web.download import download
from app.web.forms import FormErrors, text_of, texts_of
from app.web.pages.entrance import sign_in
from app.web.routes import private_page, public_page

if TYPE_CHECKING:
    from flask import Response
    from sqlalchemy.orm import Session

    from app.identity import Viewer

# The message after each change. `?done=` has only the key, so a link cannot put its own text on the page.
DONE = {
    "name": "Your display name is changed.",
    "password": "Your password is changed. Everywhere else you are now signed out.",  # nosec B105 # a sentence to read
    "password_and_tokens":  # nosec B105 # a sentence to read
        "Your password is changed. Everywhere else you are now signed out, and no API token opens anything.",
    "login": "That browser is signed out.",
    "token": "That token no longer opens anything.",  # nosec B105 # a sentence to read
}


@private_page("/account")
def account(session: Session, viewer: Viewer) -> Page:
    """All that a person can change about their account."""
    settings = runtime().settings
    return Page("account.html", {
        "asks_password": not logged_in_recently(session, viewer),
        "wallet": payments.wallet(session, viewer, currency=settings.currency),
        "logins": list_logins(session, viewer, settings),
        "tokens": list_api_tokens(session, viewer),
        "scopes": Scope,
        "done": DONE.get(text_of("done")),
        "tells_of_tokens": text_of("done") == "password",
        "minimum_characters": settings.password_minimum_characters,
    })


@private_page("/account/name", method="POST", does="change_display_name", again=account)
def account_name(session: Session, viewer: Viewer) -> Response:
    """Store another display name. The username stays."""
    change_display_name(session, viewer, text_of("display_name"))
    return see("account", done="name")


@private_page("/account/password", method="POST", does="change_password", again=account)
def account_password(session: Session, viewer: Viewer) -> Response:
    """Store another password and sign out every other browser. This browser gets a new token."""
    settings = runtime().settings
    admit_password(session, viewer, settings)
    current, new = text_of("current_password"), text_of("new_password")
    problems = FormErrors()
    with problems:
        change_password(session, viewer, current=current, new=new, settings=settings)
    with problems:
        # `change_password` reports only the first problem, and the page shows both.
        _check_new(viewer, new)
    problems.refuse_if_any()
    end_all_logins(session, username=viewer.username)
    revokes = bool(text_of("revoke_tokens"))
    if revokes:
        revoke_all_api_tokens(session, username=viewer.username)
    return sign_in(session, viewer.username, see("account", done="password_and_tokens" if revokes else "password"))


@private_page("/account/logins/<uuid:login_id>/end", method="POST", does="revoke_login")
def account_login_end(session: Session, viewer: Viewer, login_id: UUID) -> Response:
    """Sign out one browser, which may be this one."""
    end_login(session, viewer, login_id)
    if login_id == viewer.login_id:
        g.viewer = None
        return signed_out(see("home"))
    return see("account", done="login")


@private_page("/account/tokens", method="POST", does="create_api_token", again=account)
def account_token(session: Session, viewer: Viewer) -> Page:
    """Make a token. Only this page ever shows its secret, so the response is not a redirect, and no cache keeps it."""
    problems = FormErrors()
    scopes: set[Scope] = set()
    password = text_of("token_password") or None
    if password:
        admit_password(session, viewer, runtime().settings)
    with problems, error_field("tokenPassword"):  # the page has another form with a current password
        confirm_password(session, viewer, password)
    with problems:
        scopes = _scopes()
    with problems:
        # Without scopes it is refused in any case. The call still reports what is wrong with the name.
        issued = create_api_token(session, viewer, name=text_of("name"), scopes=scopes)
    problems.refuse_if_any()
    g.object_id = issued.token.id
    return Page("token_created.html", {"issued": issued})


@private_page("/account/tokens/<uuid:token_id>/revoke", method="POST", does="revoke_api_token")
def account_token_revoke(session: Session, viewer: Viewer, token_id: UUID) -> Response:
    """Revoke a token at once."""
    revoke_api_token(session, viewer, token_id)
    return see("account", done="token")


@private_page("/account/data.json")
def account_data(session: Session, viewer: Viewer) -> Response:
    """All data about the person, as a file."""
    data = payments.personal_data(session, viewer.username, currency=runtime().settings.currency)
    content = (piece.encode() for piece in data.as_json())
    return download(content, name=f"wave-data-{viewer.username}.json", mimetype="application/json")


@private_page("/account/close", method="POST", does="close_account", again=account)
def account_close(session: Session, viewer: Viewer) -> Response:
    """Close the account for good. The password is the confirmation."""
    settings = runtime().settings
    admit_password(session, viewer, settings)
    try:
        close_own_account(session, viewer, password=text_of("close_password"), currency=settings.currency)
    except WrongCredentialsError as error:
        error.field = "closePassword"  # the page has other forms with a password
        raise
    g.viewer = None
    return signed_out(see("account_closed"))


@public_page("/account/closed")
def account_closed(_session: Session, _viewer: Viewer | None) -> Page:
    """The last page for somebody who closed their account."""
    return Page("account_closed.html")


def _scopes() -> set[Scope]:
    try:
        found = {Scope(text) for text in texts_of("scopes")}
    except ValueError:
        found = set()
    if not found:
        raise InvalidInputError(user_message="Choose what the token may do: read, pay, or both.", field="scopes")
    return found


def _check_new(viewer: Viewer, new: str) -> None:
    with error_field("newPassword"):
        check_new_password(new, names=(viewer.username, viewer.display_name), settings=runtime().settings)
