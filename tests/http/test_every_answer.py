"""Every response has the security headers, and every refused kind of request has its own status."""

from __future__ import annotations

import json
import re
import socket
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest

from app.http.guard import SECURITY_HEADERS
from tests.conftest import fresh_database
from tests.gunicorn import Served, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Database

HOST = "wallet.example"
QUERY = json.dumps({"query": "{ __typename }"})
LOG_IN = json.dumps({"query": 'mutation { logIn(input: {username: "nobody", password: "x"}) { errors { code } } }'})
JSON, FORM = {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"}
CROSS = {"Sec-Fetch-Site": "cross-site"}

# Method, path, further headers, body: status.
REQUESTS: dict[str, tuple[str, str, dict[str, str], str, int]] = {
    "home": ("GET", "/", {}, "", 200),
    "head": ("HEAD", "/", {}, "", 200),
    "a style sheet": ("GET", "/static/css/base.css", {}, "", 200),
    "no such file": ("GET", "/static/css/nothing.css", {}, "", 404),
    "out of the folder": ("GET", "/static/../settings.py", {}, "", 404),
    "a folder": ("GET", "/static/css/", {}, "", 404),
    "what git keeps": ("GET", "/.git/config", {}, "", 404),
    "health": ("GET", "/healthz", {}, "", 200),
    "readiness": ("GET", "/readyz", {"Host": "localhost"}, "", 200),
    "a page of somebody's": ("GET", "/wallet", {}, "", 303),
    "no such page": ("GET", "/nowhere", {}, "", 404),
    "a page by POST": ("POST", "/", FORM, "", 405),
    "a method of no page": ("DELETE", "/login", {}, "", 405),
    "TRACE": ("TRACE", "/", {}, "", 405),
    "a wrong password": ("POST", "/login", FORM, "username=nobody&password=x", 401),
    "JSON for a form": ("POST", "/login", JSON, QUERY, 415),
    "text for a form": ("POST", "/login", {"Content-Type": "text/plain"}, "username=nobody", 415),
    "a form without a type": ("POST", "/login", {}, "username=nobody", 415),
    "a form that is too long": ("POST", "/login", FORM, "username=" + "x" * 70_000, 413),
    "a form of another site": ("POST", "/login", {**FORM, **CROSS}, "username=nobody", 403),
    "a form of another origin": ("POST", "/login", {**FORM, "Origin": "https://evil.example"}, "username=nobody", 403),
    "a wrong registration": ("POST", "/register", FORM, "username=x&password=y", 422),
    "another host": ("GET", "/", {"Host": "evil.example"}, "", 421),
    "a style sheet of another host": ("GET", "/static/css/base.css", {"Host": "evil.example"}, "", 421),
    "a page under a path": ("GET", "/", {"X-Forwarded-Prefix": "/wallet"}, "", 421),
    "a style sheet under a path": ("GET", "/static/css/base.css", {"X-Forwarded-Prefix": "/wallet"}, "", 421),
    "a query under a path": ("POST", "/graphql", {**JSON, "X-Forwarded-Prefix": "/wallet"}, QUERY, 421),
    "a browser's query under a path": ("POST", "/graphql", {**JSON, "Origin": f"http://{HOST}", "X-Forwarded-Prefix": "/x"}, QUERY, 421),
    "a page at the top": ("GET", "/", {"X-Forwarded-Prefix": "/"}, "", 200),
    "a query at the top": ("POST", "/graphql", {**JSON, "X-Forwarded-Prefix": "/"}, QUERY, 200),
    "a token for a page": ("GET", "/wallet", {"Authorization": "Bearer nothing"}, "", 303),
    "a query": ("POST", "/graphql", JSON, QUERY, 200),
    "a query by GET": ("GET", "/graphql?query={__typename}", {}, "", 405),
    "what a browser asks first": ("OPTIONS", "/graphql", {}, "", 204),
    "a query as a form": ("POST", "/graphql", FORM, "query={__typename}", 415),
    "a query as text": ("POST", "/graphql", {"Content-Type": "text/plain"}, QUERY, 415),
    "no JSON": ("POST", "/graphql", JSON, "{", 400),
    "no query": ("POST", "/graphql", JSON, "{}", 400),
    "no object": ("POST", "/graphql", JSON, "[]", 400),
    "JSON that breaks off": ("POST", "/graphql", JSON, QUERY[:-3], 400),
    "JSON that is nested deeply": ("POST", "/graphql", JSON, "[" * 5_000 + "]" * 5_000, 400),
    "variables that are nested deeply": (
        "POST", "/graphql", JSON, QUERY[:-1] + ', "variables": {"x": ' + "[" * 800 + "]" * 800 + "}}", 200),
    "a number that is too long": ("POST", "/graphql", JSON, QUERY[:-1] + ', "variables": {"x": ' + "9" * 5_000 + "}}", 400),
    "a name that stands twice": ("POST", "/graphql", JSON, '{"query": "{ __typename }", "query": "{ users { totalCount } }"}', 400),
    "a packed query": ("POST", "/graphql", {**JSON, "Content-Encoding": "gzip"}, QUERY, 415),
    "a packed query of an origin": ("POST", "/graphql", {**JSON, "Content-Encoding": "gzip", "Origin": f"https://{HOST}"}, QUERY, 415),
    "a packed form": ("POST", "/login", {**FORM, "Content-Encoding": "gzip"}, "username=nobody", 415),
    "a query that is too long": ("POST", "/graphql", JSON, " " * 10_241, 413),
    "a query with a wrong token": ("POST", "/graphql", {**JSON, "Authorization": "Bearer nothing"}, QUERY, 401),
    "a query of another site": ("POST", "/graphql", {**JSON, **CROSS}, QUERY, 403),
    "a query of another origin": ("POST", "/graphql", {**JSON, "Origin": "https://evil.example"}, QUERY, 403),
    "a query for another host": ("POST", "/graphql", {**JSON, "Host": "evil.example"}, QUERY, 421),
    "a question of another origin": (
        "OPTIONS", "/graphql", {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}, "", 204),
    "a login": ("POST", "/graphql", JSON, LOG_IN, 200),
}

# Headers and a body for which two readers may find different ends of the request.
AMBIGUOUS = (
    ("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
    ("Content-Length: 0\r\nContent-Length: 64", ""),
    ("Content-Length: 0, 64", ""),
    ("Content-Length: +64", ""),
    ("Content-Length : 64", ""),
    ("Transfer-Encoding: xchunked", ""),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked", "0x0\r\n\r\n"),
    ("X-Folded: a\r\n Content-Length: 64", ""),
    ("X-Ended: a\nContent-Length: 64", ""),
)


@pytest.fixture(scope="module")
def answered() -> dict[str, Any]:
    """The response to each request, requested once for all tests."""
    answers: dict[str, Any] = {}
    settings = {"PAYMENT_SYSTEM_HOSTS": HOST, "PAYMENT_SYSTEM_SECURE_COOKIES": "true", "PAYMENT_SYSTEM_ENVIRONMENT": "production",
                "WEB_CONCURRENCY": "1"}
    with fresh_database() as database, serving(database.app_url, settings) as served:
        for name, (method, path, headers, body, _) in REQUESTS.items():
            connection = HTTPConnection(served.address.removeprefix("http://"), timeout=60)
            connection.request(method, path, body or None, {"Host": HOST, **headers})
            answer = connection.getresponse()
            answers[name] = (answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read().decode())
            connection.close()
    return answers


@pytest.mark.parametrize("name", REQUESTS)
def test_each_request_has_its_status_and_every_answer_its_headers(answered: dict[str, Any], name: str) -> None:
    status, headers, text = answered[name]
    assert status == REQUESTS[name][-1], text
    assert {key: headers.get(key.lower()) for key in SECURITY_HEADERS} == SECURITY_HEADERS
    assert headers["strict-transport-security"] == "max-age=31536000"
    is_file = REQUESTS[name][1].startswith("/static/")
    assert headers.get("cache-control") == (("no-cache" if status == 200 else None) if is_file else "no-store")
    assert len(headers["x-request-id"]) == 32
    assert not any(each.isdigit() for each in headers.get("server", ""))
    assert not {"access-control-allow-origin", "x-powered-by", "access-control-allow-credentials"} & headers.keys()
    assert not any(inside in text for inside in ("Traceback", "psycopg2", "sqlalchemy", "/site-packages/", "SELECT "))


@pytest.mark.parametrize("name", [name for name, request in REQUESTS.items() if request[1].startswith("/graphql") and request[-1] != 204])
def test_the_api_answers_in_json_whatever_was_wrong(answered: dict[str, Any], name: str) -> None:
    _, headers, text = answered[name]
    assert headers["content-type"] == "application/json"
    assert {"data", "errors"} & json.loads(text).keys()


@pytest.mark.parametrize("name", REQUESTS)
def test_every_response_has_its_content_type_and_a_text_its_charset(answered: dict[str, Any], name: str) -> None:
    status, headers, text = answered[name]
    path = REQUESTS[name][1]
    if not text:
        return
    told = {'{"': "application/json", "<!": "text/html; charset=utf-8"}.get(text.lower()[:2], "text/css; charset=utf-8")
    assert headers["content-type"] == told
    assert told.startswith("text/css") == (path.startswith("/static/") and status == 200)


def test_a_request_with_an_ambiguous_end_is_refused(early: Served) -> None:
    """One reader may take the rest for a second request, and another one, such as a proxy, for the body of the first."""
    assert statuses(early, f"Content-Length: {len(QUERY)}", QUERY) == [200, 200]
    assert statuses(early, "Transfer-Encoding: chunked", f"{len(QUERY):x}\r\n{QUERY}\r\n0\r\n\r\n") == [200, 200]
    for framing, body in AMBIGUOUS:
        assert statuses(early, framing, body) in ([400], [501]), framing


def statuses(served: Served, framing: str, body: str) -> list[int]:
    """The responses to a request with these headers, and to a possible second one, until the connection is closed."""
    host, _, port = served.address.removeprefix("http://").partition(":")
    following = f"GET /healthz HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(f"POST /graphql HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"
                           f"{body}{following}".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return [int(each) for each in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


@pytest.mark.parametrize("name", ["a query by GET", "a page by POST", "a method of no page"])
def test_a_wrong_method_gets_the_list_of_allowed_methods(answered: dict[str, Any], name: str) -> None:
    assert answered[name][1]["allow"]


def test_below_a_path_the_api_and_the_pages_say_that_they_need_a_host_name(database: Database) -> None:
    """The API on the event loop, the API under Flask (for requests with an Origin), and a page."""
    with serving(database.app_url, {"WEB_CONCURRENCY": "1", "SCRIPT_NAME": "/wallet"}) as served:
        origin = {"Origin": served.address}
        for method, path, headers in (("POST", "/graphql", JSON), ("POST", "/graphql", {**JSON, **origin}), ("GET", "/login", {})):
            connection = HTTPConnection(served.address.removeprefix("http://"), timeout=60)
            connection.request(method, path, QUERY if method == "POST" else None, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            connection.close()
            assert (answer.status, "works only at the top of a host name of its own" in text) == (421, True), (path, text)


# The same gunicorn answers both: requests without Origin on the event loop; requests with Origin, and the pages, through Flask.
EARLY = {
    "a query that is too long, on the loop": ("POST /graphql", "Content-Type: application/json", 413),
    "a query that is too long, through Flask": ("POST /graphql", f"Content-Type: application/json\r\nOrigin: http://{HOST}", 413),
    "a query of another site": ("POST /graphql", "Content-Type: application/json\r\nSec-Fetch-Site: cross-site", 403),
    "a form that is too long": ("POST /login", "Content-Type: application/x-www-form-urlencoded", 413),
    "no form": ("POST /login", "Content-Type: text/plain", 415),
    "a wrong method": ("PUT /graphql", "Content-Type: application/json", 405),
    "no such page": ("POST /nowhere", "Content-Type: text/plain", 404),
}


@pytest.mark.parametrize("name", EARLY)
def test_a_response_before_the_body_is_read_closes_the_connection(early: Served, name: str) -> None:
    request, headers, status = EARLY[name]
    host, _, port = early.address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        # Only a part of the body is sent: the response comes without the rest.
        connection.sendall(f"{request} HTTP/1.1\r\nHost: {HOST}\r\n{headers}\r\nContent-Length: 9000000\r\n\r\n".encode() + b"x" * 100_000)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head = answer.partition(b"\r\n\r\n")[0].decode().lower()
    assert head.startswith(f"http/1.1 {status} ")
    assert head.count("\r\nconnection: close") == 1


@pytest.mark.parametrize(("request_line", "headers", "body"), [
    ("POST /graphql", "Content-Type: application/json", QUERY),
    ("POST /login", "Content-Type: application/x-www-form-urlencoded", "username=a"),
    ("GET /healthz", "X: y", ""),
])
def test_a_response_to_a_complete_request_keeps_the_connection(early: Served, request_line: str, headers: str, body: str) -> None:
    host, _, port = early.address.removeprefix("http://").partition(":")
    request = f"{request_line} HTTP/1.1\r\nHost: {HOST}\r\n{headers}\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(f"{request}\r\n{body}{request}Connection: close\r\n\r\n{body}".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert len(re.findall(rb"HTTP/1\.1 \d{3} ", answer)) == 2
    assert answer.lower().count(b"\r\nconnection: close") == 1


@pytest.fixture(scope="module")
def early() -> Iterator[Served]:
    """One worker for all of these requests."""
    with fresh_database() as database, serving(database.app_url, {"WEB_CONCURRENCY": "1"}) as served:
        yield served
