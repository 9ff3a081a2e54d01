"""Owns the question who is asking: the person that the facts of a request prove, and how Flask's request gives these facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from flask import current_app, g, request

from app.http.address import client_address
from app.http.facts import Facts
from app.http.guard import cookie_name
from app.identity import unknown_api_token, viewer_of_api_token, viewer_of_login

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.database import Sessions
    from app.http.pace import Pace
    from app.identity import Viewer
    from app.settings import Settings

EXTENSION_NAME: Final = "wave"
MAXIMUM_TOKEN_CHARACTERS: Final = 256


@dataclass(frozen=True, slots=True)
class Wave:
    """What a running program holds: its settings, its way to the database, and what it counts."""

    settings: Settings
    sessions: Sessions
    pace: Pace
    """How fast each person may pay."""

    def disconnect(self) -> None:
        """Close the connections that are not in use."""
        self.sessions.kw["bind"].dispose()

    def forget_connections(self) -> None:
        """Leave the connections to the process that this one was forked from; the next use makes new ones."""
        self.sessions.kw["bind"].dispose(close=False)


def wave() -> Wave:
    """The running program's settings and database, within a request or command."""
    return cast("Wave", current_app.extensions[EXTENSION_NAME])


def facts_of_request() -> Facts:
    """The facts of Flask's current request; the request id is made at the first call and stays."""
    if "facts" not in g:
        g.facts = Facts(
            method=request.method,
            path=request.path,
            host=request.host,
            scheme=request.scheme,
            origin=request.headers.get("Origin"),
            sec_fetch_site=request.headers.get("Sec-Fetch-Site"),
            authorization=request.headers.get("Authorization"),
            login_token=request.cookies.get(cookie_name(secure=wave().settings.secure_cookies)),
            user_agent=request.headers.get("User-Agent"),
            content_encoding=request.headers.get("Content-Encoding"),
            remote_address=client_address(
                request.remote_addr, request.headers.get("X-Forwarded-For"), wave().settings.trusted_proxies,
            ),
            prefix=request.root_path or request.headers.get("X-Forwarded-Prefix", ""),
        )
    return cast("Facts", g.facts)


def viewer_of(session: Session, facts: Facts, settings: Settings) -> Viewer | None:
    """The person that the request proves to be from; None when it claims nobody, or its login is over.

    A bearer token goes before the cookie: a client that sends one means it.

    Raises: UnauthenticatedError for an Authorization header that is not a token of ours. It is never ignored, or a client with a
    revoked token would be told "nobody" instead of why.
    """
    if facts.authorization is not None:
        token = bearer_token(facts)
        viewer = viewer_of_api_token(session, token) if token else None
        if viewer is None:
            raise unknown_api_token()
        return viewer
    if facts.login_token and len(facts.login_token) <= MAXIMUM_TOKEN_CHARACTERS:
        return viewer_of_login(session, facts.login_token, settings)
    return None


def bearer_token(facts: Facts) -> str | None:
    """The token of the Authorization header, if there is one that could be ours. Source: RFC 6750, section 2.1."""
    scheme, _, token = (facts.authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and 0 < len(token) <= MAXIMUM_TOKEN_CHARACTERS else None
