"""Owns the rules that keep other sites out of a person's browser: host, cross-site check, login cookie, security headers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from app.errors import ForbiddenError, UnderPathError, WrongHostError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from app.http.facts import Facts
    from app.settings import Settings

MAXIMUM_HOST_CHARACTERS: Final = 255
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Source: the Fetch Metadata specification; "none" is the person's own doing, such as a typed address.
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
# For names beside the wallet's own, too: a promise that only whoever owns them all can make.
HSTS_SUBDOMAINS: Final = f"{HSTS}; includeSubDomains"

# Asked at the machine's own address by whoever looks after it; they hold nothing of anybody's.
HEALTH_PATHS: Final = frozenset({"/healthz", "/readyz"})
PORT: Final = re.compile(r":[0-9]*$")


def check_request(facts: Facts, settings: Settings) -> None:
    """What every request has to pass, before any route. Raises: WrongHostError, UnderPathError, ForbiddenError."""
    check_host(facts, settings.hosts)
    check_prefix(facts)
    check_same_site(facts)


def check_host(facts: Facts, hosts: Collection[str]) -> None:
    """Refuse a request for another host: who points a name of their own at this address gets none of the wallet's pages under it.

    Args:
        hosts: in lower case, without a port; all are right when there are none.

    Raises: WrongHostError.
    Source: RFC 9110, section 7.4.
    """
    if not hosts or facts.host in hosts or facts.path in HEALTH_PATHS:
        return
    if PORT.sub("", facts.host).rstrip(".").lower() not in hosts:
        raise WrongHostError(f"host {facts.host[:MAXIMUM_HOST_CHARACTERS]!r}")


def check_prefix(facts: Facts) -> None:
    """Refuse a request that a proxy passes on from under a path: links, forms and the cookie's host are the wallet's own.

    Raises: UnderPathError.
    """
    if facts.prefix.strip("/"):
        raise UnderPathError(f"under {facts.prefix[:MAXIMUM_HOST_CHARACTERS]!r}")


def check_same_site(facts: Facts) -> None:
    """Refuse what another site made a browser send: only its own pages may change anything on a cookie's word.

    A request with an Authorization header is let through: no browser adds one by itself. A request without Origin and
    Sec-Fetch-Site does not come from a browser of the last years, and one that is older sends no SameSite=Lax cookie along.

    Raises: ForbiddenError.
    Source: OWASP Cross-Site Request Forgery Prevention Cheat Sheet, "Fetch Metadata headers".
    """
    if facts.method in SAFE_METHODS or facts.authorization is not None:
        return
    if facts.sec_fetch_site is not None:
        if facts.sec_fetch_site not in OWN_FETCH_SITES:
            raise ForbiddenError(f"sec-fetch-site {facts.sec_fetch_site}")
        return
    # Behind a proxy that takes TLS off, the browser's scheme is https and the one seen here is http.
    if facts.origin not in (None, f"{facts.scheme}://{facts.host}", f"https://{facts.host}"):
        raise ForbiddenError(f"origin {facts.origin} on host {facts.host}")


def is_packed(facts: Facts) -> bool:
    """Whether the body was packed, as by gzip: nothing here unpacks it, since a little that is packed could be very much."""
    return (facts.content_encoding or "identity").strip().lower() not in ("", "identity")


def cookie_name(*, secure: bool) -> str:
    """The login cookie's name. `__Host-` makes the browser hold it to this very host and to HTTPS. Source: RFC 6265bis, 4.1.3."""
    return "__Host-login" if secure else "login"


def login_cookie(token: str, *, secure: bool, lifetime_seconds: int) -> dict[str, Any]:
    """The arguments of Werkzeug's `set_cookie` for a login; an empty token with lifetime 0 takes it away."""
    return {
        "key": cookie_name(secure=secure), "value": token, "max_age": lifetime_seconds, "path": "/", "secure": secure,
        "httponly": True, "samesite": "Lax",
    }


def transport_security(settings: Settings) -> str:
    """For how long browsers come by HTTPS alone, as Strict-Transport-Security has it; empty where the wallet is served over plain HTTP."""
    if not settings.secure_cookies:
        return ""
    return HSTS_SUBDOMAINS if settings.hsts_subdomains else HSTS


def hardened(*, private: bool, hsts: str) -> dict[str, str]:
    """The security headers of an answer.

    Args:
        private: whether it may hold what only one person may see; then no cache keeps it.
        hsts: what `transport_security` says of the settings.
    """
    headers = dict(SECURITY_HEADERS)
    if private:
        headers["Cache-Control"] = "no-store"
    if hsts:
        headers["Strict-Transport-Security"] = hsts
    return headers
