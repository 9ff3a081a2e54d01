"""Owns authentication: finds the viewer of a request by its API token or login cookie, and reads Flask's request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from flask import g, request

from app.http.address import client_address
from app.http.guard import cookie_name
from app.http.request_context import Facts
from app.http.runtime import wave
from app.identity import unknown_api_token, viewer_of_api_token, viewer_of_login

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.identity import Viewer
    from app.settings import Settings

MAXIMUM_TOKEN_CHARACTERS: Final = 256


def facts_of_request() -> Facts:
    """The context of Flask's current request. It is made at the first call, with a new request id."""
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
    """The signed-in person of the request; None without credentials, or if the login has ended.

    An Authorization header has precedence over the cookie.

    Raises: UnauthenticatedError if the Authorization header is not a valid API token. So a client with a revoked token is told why.
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
    """The bearer token of the Authorization header; None without one, or if it is too long. Source: RFC 6750, section 2.1."""
    scheme, _, token = (facts.authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and 0 < len(token) <= MAXIMUM_TOKEN_CHARACTERS else None
