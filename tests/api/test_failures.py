"""What fails is told twice: to the client in the API's own shape, to the log with all that is needed; nothing internal leaves."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLError
from werkzeug.exceptions import BadRequest, InternalServerError, MethodNotAllowed, RequestEntityTooLarge

from app.api import failure_response
from app.api.answer import failure
from app.api.failures import execution_errors
from app.api.refusals import refusal_of
from app.api.types.errors import RateLimitedError as RateLimitedType
from app.api.types.errors import UserError
from app.errors import ConflictRetryError, ForbiddenError, InvalidInputError, RateLimitedError, UnauthenticatedError
from app.http import RequestContext
from tests.api.conftest import LOG_IN, SEND

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from tests.api.conftest import Ask
    from tests.conftest import Browsers, Database

REQUEST_CONTEXT = RequestContext(
    method="POST", path="/graphql", host="localhost", scheme="http", origin=None, sec_fetch_site=None, authorization=None,
    login_token=None, user_agent=None, remote_address=None, request_id="0123456789abcdef",
)
MASKED = {
    "message": "Something went wrong on our side. Quote this id when you ask for help: 0123456789abcdef",
    "extensions": {"code": "INTERNAL", "errorId": "0123456789abcdef"},
}
PASSWORD = "a long test phrase"


def of_bug(answer: Any, response_id: str) -> None:
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "INTERNAL", "errorId": response_id}
    assert error["message"] == f"Something went wrong on our side. Quote this id when you ask for help: {response_id}"


def test_a_bug_shows_its_id_alone_and_the_log_has_the_rest(
    client: FlaskClient, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.execute("ALTER TABLE users RENAME TO gone")
    response = client.post("/graphql", json={"query": "{ users { totalCount } }"})
    assert response.status_code == 500
    of_bug(response.json, response.headers["X-Request-Id"])
    assert "users" not in response.text
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert vars(record)["error_id"] == response.headers["X-Request-Id"]


def test_a_bug_in_one_field_is_masked_and_the_others_are_answered(browser: Browsers, database: Database) -> None:
    alice = browser("alice")
    scope = "secret of ours"
    database.execute(
        "DO $$ DECLARE name text; BEGIN FOR name IN SELECT conname FROM pg_constraint WHERE conrelid = 'api_tokens'::regclass "
        "AND contype = 'c' LOOP EXECUTE format('ALTER TABLE api_tokens DROP CONSTRAINT %I', name); END LOOP; END $$; "
        f"INSERT INTO api_tokens (id, user_id, name, scopes, token_sha256) SELECT gen_random_uuid(), id, 'x', '{{{scope}}}', "
        "sha256('x') FROM users",
    )
    response = alice.post("/graphql", json={"query": "{ ledgerHealth { balanced } viewer { apiTokens { scopes } } }"})
    assert response.status_code == 200
    answer: Any = response.json
    assert answer["data"] == {"ledgerHealth": {"balanced": True}, "viewer": None}
    of_bug(answer, response.headers["X-Request-Id"])
    assert scope not in response.text


def test_a_bug_in_a_mutation_leaves_nothing_behind(browser: Browsers, client: FlaskClient, database: Database) -> None:
    browser("alice")
    before = database.execute("SELECT count(*) FROM logins")
    query = LOG_IN.replace("viewer { user { username } }", "viewer { wallet { status } }")
    database.execute("REVOKE SELECT ON ledger.accounts FROM payment_system")
    response = client.post("/graphql", json={"query": query, "variables": {"input": {"username": "alice", "password": PASSWORD}}})
    assert response.status_code == 500
    of_bug(response.json, response.headers["X-Request-Id"])
    assert client.get_cookie("login") is None
    assert database.execute("SELECT count(*) FROM logins") == before


def conflicts(database: Database, times: int) -> None:
    """Make the next logins fail as the victims of a conflict."""
    database.execute("CREATE SEQUENCE tries; GRANT USAGE ON tries TO PUBLIC")  # a sequence is not rolled back
    database.execute(
        "CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF nextval('tries') <= {times} THEN RAISE EXCEPTION 'conflict' USING ERRCODE = '40001'; END IF; RETURN NEW; END $$",
    )
    database.execute("CREATE TRIGGER conflict BEFORE INSERT ON logins FOR EACH ROW EXECUTE FUNCTION conflict()")


def test_a_conflict_is_tried_again_from_the_start(browser: Browsers, client: FlaskClient, ask: Ask, database: Database) -> None:
    browser("alice")
    conflicts(database, 3)
    answer = ask(client, LOG_IN, input={"username": "alice", "password": PASSWORD})["data"]["logIn"]
    assert answer == {"viewer": {"user": {"username": "alice"}}, "errors": []}
    assert client.get_cookie("login") is not None


def test_a_conflict_that_stays_is_told_with_when_to_try_again(browser: Browsers, client: FlaskClient, database: Database) -> None:
    browser("alice")
    conflicts(database, 4)
    given = {"input": {"username": "alice", "password": PASSWORD}}
    response = client.post("/graphql", json={"query": LOG_IN, "variables": given})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    answer: Any = response.json
    assert answer["errors"] == [{"message": ConflictRetryError.default_message, "extensions": {"code": "CONFLICT_RETRY"}}]
    assert client.get_cookie("login") is None


def test_a_value_that_graphql_refuses_while_it_executes_is_the_developers_mistake(client: FlaskClient, ask: Ask) -> None:
    query = """query ($name: Username = "alice", $on: Boolean = true) {
        user(username: $name) { username } viewer @include(if: $on) { user { username } } }"""
    answer = ask(client, query, name=None)
    assert answer["errors"][0]["extensions"] == {"code": "INVALID_VARIABLES"}
    assert answer["errors"][0]["message"] == "Argument 'username' of non-null type 'Username!' must not be null."
    answer = ask(client, query, 400, on=None)
    assert answer["errors"][0]["extensions"] == {"code": "INVALID_VARIABLES"}


@pytest.mark.parametrize("bug", [ValueError("a secret"), GraphQLError("a secret"), KeyError("a secret")])
def test_whatever_a_resolver_raises_is_masked(bug: Exception) -> None:
    (shown,) = execution_errors([GraphQLError("a secret", original_error=bug, path=["viewer"])], REQUEST_CONTEXT)
    assert shown == {**MASKED, "path": ["viewer"]}


def test_an_error_of_graphqls_own_is_masked() -> None:
    assert execution_errors([GraphQLError("a secret")], REQUEST_CONTEXT) == [MASKED]


def test_an_expected_failure_of_a_query_is_told_with_its_field() -> None:
    error = InvalidInputError("for the log", user_message="For the person.", field="first")
    (shown,) = execution_errors([GraphQLError("for the log", original_error=error, path=["users"])], REQUEST_CONTEXT)
    assert shown == {"message": "For the person.", "path": ["users"], "extensions": {"code": "INVALID_INPUT", "field": ["first"]}}


def test_what_is_wrong_with_many_fields_alike_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    errors = [GraphQLError("", original_error=InvalidInputError(detail, user_message=detail, field="first"), path=["users", place])
              for place in range(50) for detail in ("too many", "too few")]
    shown = execution_errors(errors, REQUEST_CONTEXT)
    assert [each["path"] for each in shown] == [["users", place] for place in range(50) for _ in range(2)]
    assert {each["message"] for each in shown} == {"too many", "too few"}
    assert [each.__dict__["detail"] for each in caplog.records] == ["too many", "too few"]


def test_errors_that_the_log_tells_alike_are_each_shown_as_they_are() -> None:
    causes = [InvalidInputError("wrong", user_message=f"The {field} is wrong.", field=field) for field in ("first", "after")]
    errors = [GraphQLError("", original_error=cause, path=["users"]) for cause in causes]
    assert [(each["message"], each["extensions"]["field"]) for each in execution_errors(errors, REQUEST_CONTEXT)] == [
        ("The first is wrong.", ["first"]), ("The after is wrong.", ["after"])]


def test_a_rate_limit_tells_how_long_to_wait() -> None:
    error = RateLimitedError(retry_after_seconds=30)
    assert failure(error, REQUEST_CONTEXT).headers == {"Retry-After": "30"}
    assert failure(error, REQUEST_CONTEXT).status == 429
    nothing: Any = None
    refusal = refusal_of(error, None)
    assert UserError.resolve_type(refusal, nothing) is RateLimitedType
    assert vars_of(refusal) == {"code": "RATE_LIMITED", "message": "That was too often. Try again in 30 seconds.", "field": None,
                                "retry_after_seconds": 30}


def vars_of(refusal: Any) -> dict[str, Any]:
    return {name: getattr(refusal, name) for name in ("code", "message", "field", "retry_after_seconds")}


@pytest.mark.parametrize(("error", "status", "code", "headers"), [
    (ForbiddenError(), 403, "FORBIDDEN", {}),
    (UnauthenticatedError(), 401, "UNAUTHENTICATED", {"WWW-Authenticate": "Bearer"}),
    (BadRequest(), 400, "BAD_REQUEST", {}),
    (MethodNotAllowed(["POST", "OPTIONS"]), 405, "METHOD_NOT_ALLOWED", {"Allow": "OPTIONS, POST"}),
    (RequestEntityTooLarge(), 413, "BODY_TOO_LARGE", {}),
    (InternalServerError(), 500, "INTERNAL", {}),
    (RuntimeError("a secret"), 500, "INTERNAL", {}),
])
def test_what_fails_outside_the_view_is_answered_in_the_same_shape(
    app: Flask, error: Exception, status: int, code: str, headers: dict[str, str]
) -> None:
    with app.test_request_context("/graphql", method="POST"):
        response = failure_response(error)
    answer: Any = response.json
    assert response.status_code == status
    assert [each["extensions"]["code"] for each in answer["errors"]] == [code]
    assert headers.items() <= dict(response.headers).items()
    assert b"secret" not in response.data


def test_a_path_beside_the_apis_is_the_pages(client: FlaskClient) -> None:
    response = client.post("/graphql/", json={"query": SEND})
    assert response.status_code == 404
    assert response.mimetype == "text/html"
