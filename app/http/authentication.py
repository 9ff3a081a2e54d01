"""Owns authentication: finds the viewer of a request by its API token or login cookie, and reads Flask's request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from flask import g, request

from app.http.address import client_address
from app.http.guard import cookie_name
from app.http.request_context import RequestContext
from app.http.runtime import runtime
from app.identity import unknown_api_token, viewer_of_api_token, viewer_of_login

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.identity import Viewer
    from app.settings import Settings

MAXIMUM_TOKEN_CHARACTERS: Final = 256


def current_request_context() -> RequestContext:
    """The context of Flask's current request. It is made at the first call, with a new request id."""
    if "request_context" not in g:
        g.request_context = RequestContext(
            method=request.method,
            path=request.path,
            host=request.host,
            scheme=request.scheme,
            origin=request.headers.get("Origin"),
            sec_fetch_site=request.headers.get("Sec-Fetch-Site"),
            authorization=request.headers.get("Authorization"),
            login_token=request.cookies.get(cookie_name(secure=runtime().settings.secure_cookies)),
            user_agent=request.headers.get("User-Agent"),
            content_encoding=request.headers.get("Content-Encoding"),
            remote_address=client_address(
                request.remote_addr, request.headers.get("X-Forwarded-For"), runtime().settings.trusted_proxies,
            ),
            prefix=request.root_path or request.headers.get("X-Forwarded-Prefix", ""),
        )
    return cast("RequestContext", g.request_context)


def authenticate(session: Session, request_context: RequestContext, settings: Settings) -> Viewer | None:
    """The signed-in person of the request; None without credentials, or if the login has ended.

    An Authorization header has precedence over the cookie.

    Raises: UnauthenticatedError if the Authorization header is not a valid API token. So a client with a revoked token is told why.
    """
    if request_context.authorization is not None:
        token = bearer_token(request_context)
        viewer = viewer_of_api_token(session, token) if token else None
        if viewer is None:
            raise unknown_api_token()
        return viewer
    if request_context.login_token and len(request_context.login_token) <= MAXIMUM_TOKEN_CHARACTERS:
        return viewer_of_login(session, request_context.login_token, settings)
    return None


def bearer_token(request_context: RequestContext) -> str | None:
    """The bearer token of the Authorization header; None without one, or if it is too long. Source: RFC 6750, section 2.1."""
    scheme, _, token = (request_context.authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and 0 < len(token) <= MAXIMUM_TOKEN_CHARACTERS else None
