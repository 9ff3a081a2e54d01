"""Owns the protection against other sites in the same browser: host check, cross-site check, login cookie, security headers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from app.errors import ForbiddenError, UnderPathError, WrongHostError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from app.http.request_context import RequestContext
    from app.settings import Settings

MAXIMUM_HOST_CHARACTERS: Final = 255
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Source: the Fetch Metadata specification. "none" means that the user started the request, for example by typing the address.
OWN_FETCH_SITES: Final = frozenset({"same-origin", "none"})

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HSTS: Final = "max-age=31536000"
# Also for all subdomains: only their owner can set this.
HSTS_SUBDOMAINS: Final = f"{HSTS}; includeSubDomains"

# Monitoring uses these under the machine's address. They show no personal data.
HEALTH_PATHS: Final = frozenset({"/healthz", "/readyz"})
PORT: Final = re.compile(r":[0-9]*$")


def check_request(request_context: RequestContext, settings: Settings) -> None:
    """Check every request before its route. Raises: WrongHostError, UnderPathError, ForbiddenError."""
    check_host(request_context, settings.hosts)
    check_prefix(request_context)
    check_same_site(request_context)


def check_host(request_context: RequestContext, hosts: Collection[str]) -> None:
    """Refuse a request for another host. So nobody can serve the wallet under a name of their own.

    Args:
        hosts: names in lower case without a port. If there are none, every host is accepted.

    Raises: WrongHostError.
    Source: RFC 9110, section 7.4.
    """
    if not hosts or request_context.host in hosts or request_context.path in HEALTH_PATHS:
        return
    if PORT.sub("", request_context.host).rstrip(".").lower() not in hosts:
        raise WrongHostError(f"host {request_context.host[:MAXIMUM_HOST_CHARACTERS]!r}")


def check_prefix(request_context: RequestContext) -> None:
    """Refuse a request that a proxy sends from below a path: the wallet needs its own host name.

    Raises: UnderPathError.
    """
    if request_context.prefix.strip("/"):
        raise UnderPathError(f"under {request_context.prefix[:MAXIMUM_HOST_CHARACTERS]!r}")


def check_same_site(request_context: RequestContext) -> None:
    """Refuse a request that another site made the browser send. With a cookie, only the wallet's own pages may change anything.

    A request with an Authorization header is accepted: browsers do not add one by themselves. A request without Origin and
    Sec-Fetch-Site is not from a recent browser, and an older one does not send the SameSite=Lax cookie with it.

    Raises: ForbiddenError.
    Source: OWASP Cross-Site Request Forgery Prevention Cheat Sheet, "Fetch Metadata headers".
    """
    if request_context.method in SAFE_METHODS or request_context.authorization is not None:
        return
    if request_context.sec_fetch_site is not None:
        if request_context.sec_fetch_site not in OWN_FETCH_SITES:
            raise ForbiddenError(f"sec-fetch-site {request_context.sec_fetch_site}")
        return
    # Behind a proxy that ends TLS, the browser's scheme is https and the scheme here is http.
    if request_context.origin not in (None, f"{request_context.scheme}://{request_context.host}", f"https://{request_context.host}"):
        raise ForbiddenError(f"origin {request_context.origin} on host {request_context.host}")


def is_compressed(request_context: RequestContext) -> bool:
    """Whether the body is compressed, for example by gzip. Such bodies are refused: a small one can decompress to a huge one."""
    return (request_context.content_encoding or "identity").strip().lower() not in ("", "identity")


def cookie_name(*, secure: bool) -> str:
    """The name of the login cookie. `__Host-` limits it to this host and to HTTPS. Source: RFC 6265bis, 4.1.3."""
    return "__Host-login" if secure else "login"


def login_cookie(token: str, *, secure: bool, lifetime_seconds: int) -> dict[str, Any]:
    """The arguments of Werkzeug's `set_cookie` for a login. An empty token with lifetime 0 deletes the cookie."""
    return {
        "key": cookie_name(secure=secure), "value": token, "max_age": lifetime_seconds, "path": "/", "secure": secure,
        "httponly": True, "samesite": "Lax",
    }


def hsts_header(settings: Settings) -> str:
    """The value of Strict-Transport-Security; empty if the wallet is served over plain HTTP."""
    if not settings.secure_cookies:
        return ""
    return HSTS_SUBDOMAINS if settings.hsts_subdomains else HSTS


def security_headers(*, private: bool, hsts: str) -> dict[str, str]:
    """The security headers of a response.

    Args:
        private: whether it may hold private data; then no cache stores it.
        hsts: the value from `hsts_header`.
    """
    headers = dict(SECURITY_HEADERS)
    if private:
        headers["Cache-Control"] = "no-store"
    if hsts:
        headers["Strict-Transport-Security"] = hsts
    return headers
