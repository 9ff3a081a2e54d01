"""Another site cannot make a browser pay. The rules use plain values, so Flask and the event loop apply the same ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.errors import ForbiddenError, WrongHostError
from app.http import RequestContext, check_host, check_request, check_same_site, cookie_name, login_cookie, security_headers
from app.settings import Settings, load_settings

POST = RequestContext(method="POST", path="/pay", host="wallet.example", scheme="https", origin=None, sec_fetch_site=None,
                      authorization=None,
             login_token="t", user_agent=None, remote_address=None, request_id="r")


@pytest.mark.parametrize(("site", "origin"), [
    ("same-origin", None), ("none", None), ("same-origin", "https://wallet.example"), (None, "https://wallet.example"), (None, None),
])
def test_requests_of_the_wallets_own_pages_are_accepted(site: str | None, origin: str | None) -> None:
    check_same_site(replace(POST, sec_fetch_site=site, origin=origin))


@pytest.mark.parametrize(("site", "origin"), [
    ("cross-site", None), ("same-site", None), ("cross-site", "https://wallet.example"), (None, "https://evil.example"), (None, "null"),
    (None, "https://wallet.example.evil.example"), (None, "https://wallet.example:444"), (None, "http://wallet.example"),
    (None, "ftp://wallet.example"), (None, "wallet.example"), (None, ""), ("", None),
])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_request_from_another_site_is_refused(method: str, site: str | None, origin: str | None) -> None:
    with pytest.raises(ForbiddenError):
        check_same_site(replace(POST, method=method, sec_fetch_site=site, origin=origin))


@pytest.mark.parametrize("origin", ["https://wallet.example", "http://wallet.example"])
def test_behind_a_tls_proxy_an_https_origin_is_the_wallets_own(origin: str) -> None:
    check_same_site(replace(POST, scheme="http", origin=origin))


def test_behind_a_tls_proxy_another_scheme_is_refused() -> None:
    with pytest.raises(ForbiddenError):
        check_same_site(replace(POST, scheme="http", origin="ftp://wallet.example"))


HOSTS = frozenset({"wallet.example", "127.0.0.1", "[::1]"})


@pytest.mark.parametrize("host", [
    "wallet.example", "wallet.example:443", "Wallet.Example", "wallet.example.", "127.0.0.1:5000", "[::1]", "[::1]:5000", "wallet.example:",
])
def test_a_request_for_this_host_is_accepted(host: str) -> None:
    check_host(replace(POST, host=host), HOSTS)


@pytest.mark.parametrize("host", [
    "", "evil.example", "wallet.example.evil.example", "evil.example:wallet.example", "wallet.example@evil.example", "127.0.0.2", "::1",
    "[::1", "wallet.example, evil.example", "a" * 9000,
])
def test_a_request_for_another_host_is_refused_whatever_its_method(host: str) -> None:
    for method in ("GET", "POST"):
        with pytest.raises(WrongHostError) as refused:
            check_request(replace(POST, host=host, method=method), settings_with(HOSTS))
    assert len(str(refused.value)) < 300
    check_host(replace(POST, host=host), ())


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_checks_work_under_any_host_name(path: str) -> None:
    check_host(replace(POST, host="localhost", path=path), HOSTS)


def settings_with(hosts: frozenset[str]) -> Settings:
    return replace(load_settings({"DATABASE_URL": "postgresql:///nowhere"}), hosts=hosts)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_link_from_another_site_may_be_followed(method: str) -> None:
    check_same_site(replace(POST, method=method, sec_fetch_site="cross-site"))


def test_a_client_with_a_token_is_accepted_from_any_origin() -> None:
    check_same_site(replace(POST, authorization="Bearer wave_x", sec_fetch_site="cross-site", origin="https://shop.example"))


def test_the_login_cookie_is_hidden_from_scripts_other_hosts_and_plain_http() -> None:
    assert cookie_name(secure=True) == "__Host-login"
    assert login_cookie("t", secure=True, lifetime_seconds=60) == {
        "key": "__Host-login", "value": "t", "max_age": 60, "path": "/", "secure": True, "httponly": True, "samesite": "Lax"}
    assert (cookie_name(secure=False), login_cookie("t", secure=False, lifetime_seconds=1)["secure"]) == ("login", False)


def test_every_answer_has_the_security_headers() -> None:
    headers = security_headers(private=True, hsts="max-age=31536000")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; ")
    assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert {"X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy"} <= set(headers)
    assert not {"Cache-Control", "Strict-Transport-Security"} & set(security_headers(private=False, hsts=""))
