"""HTTP around GraphQL: what is read, what is refused with which status, and that nothing else comes back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from app import create_app
from app.api.limits import MAXIMUM_BODY_BYTES
from app.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient

    from tests.api.conftest import Ask
    from tests.conftest import Browsers, Database

BALANCED = "{ ledgerHealth { balanced } }"


@pytest.fixture(scope="module")
def nowhere() -> Iterator[Flask]:
    """The application in production, whose database is not there: what is refused before the work does not need it."""
    app = create_app(load_settings({"DATABASE_URL": "postgresql://payment_system@/nothing?host=/nonexistent"}))
    yield app
    app.extensions["wave"].disconnect()


@pytest.fixture
def stranger(nowhere: Flask) -> FlaskClient:
    return nowhere.test_client()


def refusal(response: Any, status: int, code: str) -> str:
    """The first message of a refused request, when all about it is as it should be."""
    assert response.status_code == status, response.text
    assert response.mimetype == "application/json"
    assert "data" not in response.json
    assert response.json["errors"][0]["extensions"]["code"] == code
    message = response.json["errors"][0]["message"]
    assert isinstance(message, str)
    assert "Traceback" not in response.text
    return message


def test_bug_http_graphql_never_answered(client: FlaskClient) -> None:
    response = client.post("/graphql", json={"query": BALANCED})
    assert response.status_code == 200
    assert response.json == {"data": {"ledgerHealth": {"balanced": True}}}


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "TRACE", "PURGE"])
def test_only_post_is_answered_and_the_answer_says_so(stranger: FlaskClient, method: str) -> None:
    response = stranger.open("/graphql?query={viewer{user{username}}}", method=method)
    assert "POST" in response.headers["Allow"]
    refusal(response, 405, "METHOD_NOT_ALLOWED")


def test_head_is_refused_like_get(stranger: FlaskClient) -> None:
    assert stranger.head("/graphql").status_code == 405


def test_options_tells_what_is_allowed(stranger: FlaskClient) -> None:
    response = stranger.options("/graphql")
    assert (response.status_code, response.data, response.headers["Allow"]) == (204, b"", "OPTIONS, POST")


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_only_json_is_read(stranger: FlaskClient, content_type: str | None) -> None:
    response = stranger.post("/graphql", data=json.dumps({"query": BALANCED}), content_type=content_type)
    refusal(response, 415, "UNSUPPORTED_MEDIA_TYPE")


def test_json_may_say_its_charset(client: FlaskClient) -> None:
    response = client.post("/graphql", data=json.dumps({"query": BALANCED}), content_type="Application/JSON; charset=utf-8")
    assert response.status_code == 200


@pytest.mark.parametrize(("body", "sentence"), [
    (b"", "The body is not JSON from character 1 on: it breaks off, or is wrong there."),
    (b"query", "The body is not JSON from character 1 on: it breaks off, or is wrong there."),
    (b"{", "The body is not JSON from character 2 on: it breaks off, or is wrong there."),
    (b'{"query": "{viewer}"', "The body is not JSON from character 21 on: it breaks off, or is wrong there."),
    (b"\xff\xfe", "The body is not in UTF-8, or holds half a character. Send JSON in UTF-8."),
    ('{"query": ""}'.encode("utf-16"), "The body is not in UTF-8, or holds half a character. Send JSON in UTF-8."),
    (rb'{"query": "\ud800"}', "The body is not in UTF-8, or holds half a character. Send JSON in UTF-8."),
    (b'{"query": NaN}', "The body holds a number that is too long, or none of JSON's. Send amounts as text."),
    (b'{"a": Infinity}', "The body holds a number that is too long, or none of JSON's. Send amounts as text."),
    (b'{"a": ' + b"9" * 5000 + b"}", "The body holds a number that is too long, or none of JSON's. Send amounts as text."),
    (b"[" * 5000, "The body is nested too deeply. Send a flatter one."),
    (b'{"query": "a", "query": "b"}', "A name stands twice in an object of the body. Send it once."),
    (b'{"query": "a", "variables": {"amount": "1", "amount": "2"}}', "A name stands twice in an object of the body. Send it once."),
])
def test_what_is_not_json_is_refused_and_told_why(stranger: FlaskClient, body: bytes, sentence: str) -> None:
    message = refusal(stranger.post("/graphql", data=body, content_type="application/json"), 400, "BAD_REQUEST")
    assert message == sentence


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "gzip, identity"])
def test_a_packed_body_is_refused(stranger: FlaskClient, encoding: str) -> None:
    response = stranger.post("/graphql", data=b"{}", content_type="application/json", headers={"Content-Encoding": encoding})
    assert refusal(response, 415, "UNSUPPORTED_MEDIA_TYPE") == "Send the body as it is, without `Content-Encoding`: nothing is unpacked."
    assert response.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("body", [None, 1, "text", [], [{"query": BALANCED}], [{"query": BALANCED}] * 2])
def test_a_body_that_is_no_object_is_refused_and_a_batch_too(stranger: FlaskClient, body: object) -> None:
    response = stranger.post("/graphql", data=json.dumps(body), content_type="application/json")
    assert "no batching" in refusal(response, 400, "BAD_REQUEST")


@pytest.mark.parametrize(("body", "wrong"), [
    ({}, "`query`"), ({"query": None}, "`query`"), ({"query": 5}, "`query`"), ({"query": [BALANCED]}, "`query`"),
    ({"query": BALANCED, "variables": []}, "`variables`"), ({"query": BALANCED, "variables": "{}"}, "`variables`"),
    ({"query": BALANCED, "operationName": 1}, "`operationName`"), ({"query": BALANCED, "operationName": "Other"}, "`operationName`"),
])
def test_a_member_of_the_wrong_kind_is_named(stranger: FlaskClient, body: object, wrong: str) -> None:
    assert refusal(stranger.post("/graphql", json=body), 400, "BAD_REQUEST").startswith(wrong)


@pytest.mark.parametrize("extra", [{"operationName": None}, {"operationName": ""}, {"variables": None}, {"extensions": {}, "other": 1}])
def test_what_a_client_may_leave_out_may_be_null(client: FlaskClient, extra: dict[str, object]) -> None:
    assert client.post("/graphql", json={"query": BALANCED, **extra}).status_code == 200


def test_an_operation_may_be_named(client: FlaskClient) -> None:
    body = {"query": f"query Books {BALANCED}", "operationName": "Books"}
    assert client.post("/graphql", json=body).status_code == 200


def test_a_body_at_the_limit_is_read_and_one_byte_more_is_not(client: FlaskClient) -> None:
    body = json.dumps({"query": BALANCED}).encode()
    full = body + b" " * (MAXIMUM_BODY_BYTES - len(body))
    assert len(full) == 10240
    assert client.post("/graphql", data=full, content_type="application/json").status_code == 200
    message = refusal(client.post("/graphql", data=full + b" ", content_type="application/json"), 413, "BODY_TOO_LARGE")
    assert message == "A request has at most 10240 bytes."


def test_a_large_body_is_refused(stranger: FlaskClient) -> None:
    refusal(stranger.post("/graphql", data=b"x" * 100_000, content_type="application/json"), 413, "BODY_TOO_LARGE")


def test_all_that_is_wrong_with_a_query_is_listed_with_its_place(stranger: FlaskClient) -> None:
    response = stranger.post("/graphql", json={"query": "{ wrong viewer { password user { hash } } }"})
    refusal(response, 400, "INVALID_QUERY")
    errors = response.json["errors"]  # type: ignore[index] # refusal has seen it
    assert [error["message"] for error in errors] == [
        "Cannot query field 'wrong' on type 'Query'.",
        "Cannot query field 'password' on type 'Viewer'.",
        "Cannot query field 'hash' on type 'User'.",
    ]
    assert errors[0]["locations"] == [{"line": 1, "column": 3}]


def test_all_that_is_wrong_with_the_variables_is_listed_without_their_values(stranger: FlaskClient) -> None:
    query = "mutation ($input: RegisterInput!) { register(input: $input) { errors { code } } }"
    variables = {"input": {"password": "my secret; words", "usrname": 5}}
    response = stranger.post("/graphql", json={"query": query, "variables": variables})
    refusal(response, 400, "INVALID_USERNAME")
    messages = [error["message"] for error in response.json["errors"]]  # type: ignore[index] # refusal has seen it
    assert [message.partition(" (")[2] or message for message in messages] == [
        "Variable '$input': Field 'username' of required type 'Username!' was not provided.)",
        "Variable '$input': Field 'usrname' is not defined by type 'RegisterInput'.",
    ]
    assert "secret" not in response.text


@pytest.mark.parametrize("variables", [{}, {"first": "ten"}, {"first": 1.5}, {"first": 2**31}, {"first": [1, 2]}, {"first": None}])
def test_a_variable_of_the_wrong_type_is_refused(stranger: FlaskClient, variables: dict[str, object]) -> None:
    query = "query ($first: Int!) { users(first: $first) { totalCount } }"
    message = refusal(stranger.post("/graphql", json={"query": query, "variables": variables}), 400, "INVALID_VARIABLES")
    assert message.startswith("Variable '$first'")


@pytest.mark.parametrize("levels", [100, 500, 900, 950, 4000])
def test_variables_that_are_nested_deeply_are_no_bug(client: FlaskClient, levels: int) -> None:
    body = '{"query": "query ($id: UUID!) { payment(id: $id) { id } }", "variables": {"id": ' + "[" * levels + "]" * levels + "}}"
    response = client.post("/graphql", data=body, content_type="application/json")
    assert response.status_code in (200, 400), response.text
    assert "INTERNAL" not in response.text


def test_subscriptions_are_refused(stranger: FlaskClient) -> None:
    refusal(stranger.post("/graphql", json={"query": "subscription { viewer { user { username } } }"}), 400, "INVALID_QUERY")


def test_a_database_that_is_down_is_a_503_that_says_when_to_come_back(stranger: FlaskClient) -> None:
    response = stranger.post("/graphql", json={"query": BALANCED})
    message = refusal(response, 503, "CONFLICT_RETRY")
    assert response.headers["Retry-After"] == "5"
    assert "/nonexistent" not in response.text
    assert message == "The wallet cannot reach its books right now. Send the same again in a moment: nothing is paid twice."


def test_a_database_that_comes_back_is_used_again(client: FlaskClient, ask: Ask, database: Database) -> None:
    ask(client, BALANCED)
    server = type(database)("postgres")
    server.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false")
    server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database.name}'")
    ask(client, BALANCED, 503)
    server.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS true")
    assert ask(client, BALANCED)["data"]["ledgerHealth"]["balanced"] is True


def test_a_bearer_that_is_no_token_of_ours_is_told_so_and_not_taken_for_nobody(client: FlaskClient, ask: Ask) -> None:
    response = client.post("/graphql", json={"query": BALANCED}, headers={"Authorization": "Bearer wave_wrong"})
    assert refusal(response, 401, "UNAUTHENTICATED").startswith("This API token is not valid")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    ask(client, BALANCED)


def test_what_another_site_sends_is_refused_in_the_apis_own_shape(browser: Browsers) -> None:
    response = browser("alice").post("/graphql", json={"query": BALANCED}, headers={"Sec-Fetch-Site": "cross-site"})
    refusal(response, 403, "FORBIDDEN")


def test_only_listed_origins_may_call_from_a_page_of_theirs(database: Database) -> None:
    app = create_app(load_settings({"DATABASE_URL": database.app_url, "PAYMENT_SYSTEM_CORS_ORIGINS": "https://shop.example"}))
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    listed = app.test_client().options("/graphql", headers={"Origin": "https://shop.example", **asked})
    other = app.test_client().options("/graphql", headers={"Origin": "https://other.example", **asked})
    assert listed.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "Access-Control-Allow-Credentials" not in listed.headers
    assert "Access-Control-Allow-Origin" not in other.headers
    app.extensions["wave"].disconnect()


def test_a_private_answer_is_kept_by_no_cache(client: FlaskClient) -> None:
    assert client.post("/graphql", json={"query": BALANCED}).headers["Cache-Control"] == "no-store"
