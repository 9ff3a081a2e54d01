"""Owns registration, login and logout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, g

from app.http import admit_login, admit_registration, current_request_context, remember_login, runtime
from app.identity import (
    check_credentials,
    check_new_password,
    end_login,
    parse_display_name,
    parse_new_username,
    start_login,
)
from app.identity import register as register_person
from app.single_line import unless_blank
from app.web.answers import Answer, Page, see, see_path, signed_in, signed_out
from app.web.forms import FormErrors, text_of
from app.web.routes import public_page
from app.web.safe_redirect import path_after_login

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.identity import Viewer


@public_page("/register")
def register_form(_session: Session, viewer: Viewer | None) -> Answer:
    """The registration form. A person who is signed in is redirected."""
    if viewer is not None:
        return see_path(path_after_login())
    return Page("register.html", {"minimum_characters": runtime().settings.password_minimum_characters})


@public_page("/register", method="POST", does="register", again=register_form)
def register(session: Session, _viewer: Viewer | None) -> Response:
    """Create the person and their wallet, and sign them in."""
    settings = runtime().settings
    admit_registration(session, current_request_context(), settings)
    username, password, display_name = text_of("username"), text_of("password"), text_of("display_name")
    _refuse_if_wrong(session, username=username, password=password, display_name=display_name)
    made = register_person(session, username=username, password=password, display_name=display_name, settings=settings)
    return sign_in(session, made.username, see_path(path_after_login()))


@public_page("/login")
def login_form(_session: Session, viewer: Viewer | None) -> Answer:
    """The login form. A person who is signed in is redirected."""
    if viewer is not None:
        return see_path(path_after_login())
    return Page("login.html")


@public_page("/login", method="POST", does="log_in", again=login_form)
def login(session: Session, _viewer: Viewer | None) -> Response:
    """Check the password and start a login. An earlier login of this browser ends."""
    username, request_context = text_of("username"), current_request_context()
    admit_login(session, username, request_context, runtime().settings)
    person = check_credentials(session, username=username, password=text_of("password"))
    remember_login(session, person.username, request_context)
    return sign_in(session, person.username, see_path(path_after_login()))


@public_page("/logout", method="POST", does="log_out")
def logout(session: Session, viewer: Viewer | None) -> Response:
    """End this browser's login, if there is one."""
    if viewer is not None:
        end_login(session, viewer, viewer.require_login())
    g.viewer = None
    return signed_out(see("home"))


def sign_in(session: Session, username: str, response: Response) -> Response:
    """The same response, with a new login for this browser. Its earlier login ends."""
    g.username = username
    request_context = current_request_context()
    token = start_login(session, username, user_agent=request_context.user_agent, settings=runtime().settings,
                        replaces=request_context.login_token)
    return signed_in(response, token)


def _refuse_if_wrong(session: Session, *, username: str, password: str, display_name: str) -> None:
    """`register_person` reports only the first problem. This reports all of them."""
    problems = FormErrors()
    with problems:
        parse_new_username(session, username)
    with problems:
        unless_blank(parse_display_name, display_name)
    with problems:
        check_new_password(password, names=(username, display_name), settings=runtime().settings)
    problems.refuse_if_any()

