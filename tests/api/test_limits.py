"""Each limit holds on both of its sides, before any work is done."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLError, get_introspection_query, parse

from app.api.context import Context
from app.api.limits import LIMITS
from app.api.schema import SCHEMA, engine_in
from app.errors import InvalidInputError
from app.graphql_engine import Engine, RequestError, RequestErrorCode
from app.graphql_engine.limits import Measure

IN_DEVELOPMENT = engine_in("development")
IN_PRODUCTION = engine_in("production")


def broken(query: str) -> list[str]:
    return [error.message for error in Measure(parse(query), LIMITS).errors()]


def test_eight_levels_are_allowed_and_nine_are_not() -> None:
    eight = "{ viewer { wallet { payments { nodes { refunds { refundOf { payer { username } } } } } } } }"
    nine = "{ viewer { wallet { payments { nodes { refunds { refundOf { refunds { payer { username } } } } } } } } }"
    assert broken(eight) == []
    assert broken(nine) == ["The query has 9 levels of fields; at most 8 are allowed."]


def test_levels_in_fragments_count() -> None:
    inner = "fragment f on Payment { refunds { refundOf { refunds { ... on Payment { payer { username } } } } } }"
    assert broken("{ viewer { wallet { payments { nodes { ...f } } } } } " + inner) == [
        "The query has 9 levels of fields; at most 8 are allowed.",
    ]


def test_fifteen_aliases_are_allowed_and_sixteen_are_not() -> None:
    fields = [f"a{number}: viewer {{ user {{ username }} }}" for number in range(16)]
    assert broken("{" + " ".join(fields[:15]) + "}") == []
    assert broken("{" + " ".join(fields) + "}") == ["The query has 16 aliases; at most 15 are allowed."]


def test_aliases_in_a_fragment_count_as_often_as_it_is_spread() -> None:
    fragment = " fragment f on User { a: username b: username c: username d: username }"
    spread = 'viewer { user { ...f } } user(username: "x") { ...f } users { nodes { ...f } edges { node { ...f } } }'
    assert broken("{" + spread + "}" + fragment) == ["The query has 16 aliases; at most 15 are allowed."]


def test_five_directives_are_allowed_and_six_are_not() -> None:
    def query(count: int) -> str:
        return "{ viewer { user { " + "username @include(if: true) " * count + "} } }"

    assert broken(query(5)) == []
    assert broken(query(6)) == ["The query has 6 directives; at most 5 are allowed."]


def test_directives_everywhere_count() -> None:
    query = "query @a { ... @b { viewer @c { user { ...f @d } } } } fragment f on User { username @e displayName @g }"
    assert broken(query) == ["The query has 6 directives; at most 5 are allowed."]


def test_a_hundred_and_fifty_fields_are_allowed_and_one_more_is_not() -> None:
    assert broken("{" + "__typename " * 150 + "}") == []
    assert broken("{" + "__typename " * 151 + "}") == ["The query has 151 fields and spreads; at most 150 are allowed."]


def test_what_is_spread_counts_like_a_field() -> None:
    assert broken("{ viewer { user { " + "... { username } " * 74 + "} } }") == []
    assert broken("{ viewer { user { " + "... { username } " * 75 + "} } }") == [
        "The query has 152 fields and spreads; at most 150 are allowed."]
    spreads = "".join(f"...f{each} " for each in range(75)) + "".join(f"fragment f{each} on Query {{ __typename }} " for each in range(75))
    assert broken("{ " + spreads.replace("fragment", "} fragment", 1)) == []
    assert broken("{ __typename " + spreads.replace("fragment", "} fragment", 1)) == [
        "The query has 151 fields and spreads; at most 150 are allowed."]


def test_fields_of_a_fragment_that_is_nowhere_spread_count() -> None:
    assert broken("{ __typename } fragment f on User {" + "username " * 150 + "}") == [
        "The query has 151 fields and spreads; at most 150 are allowed."]


@pytest.mark.parametrize(("query", "count"), [
    ("query a { __typename } query b { __typename }", 2),
    ("fragment f on User { username }", 0),
    ("query a { __typename } mutation b { logOut { done } }", 2),
])
def test_a_request_has_exactly_one_operation(query: str, count: int) -> None:
    assert broken(query) == [f"Send exactly one operation in a request; this document has {count}."]


@pytest.mark.parametrize("query", [
    "mutation { a: logOut { done } b: logOut { done } }",
    "mutation { logOut { done } ... { a: logOut { done } } }",
    "mutation { ...f } fragment f on Mutation { logOut { done } ...g } fragment g on Mutation { a: logOut { done } ...f }",
])
def test_a_mutation_has_one_root_field(query: str) -> None:
    assert broken(query) == ["A mutation does one thing: send one root field in a request."]


@pytest.mark.parametrize("query", [
    "mutation { __typename logOut { done } }",
    "mutation { logOut { done } logOut { errors { code } } ...f } fragment f on Mutation { logOut { done } }",
    "mutation { ...nowhere logOut { done } }",
])
def test_one_root_field_may_be_written_in_several_places(query: str) -> None:
    assert broken(query) == []


def refused(engine: Engine, query: str) -> RequestError:
    with pytest.raises(RequestError) as caught:
        engine.prepare(query)
    return caught.value


def test_a_thousand_tokens_are_allowed_and_one_more_is_not() -> None:
    # { users ( search : [ "" … ] ) { totalCount } }: 12 tokens beside the texts. A list is no search text, but it was read.
    def query(tokens: int) -> str:
        return "{users(search:[" + '"" ' * (tokens - 12) + "]){totalCount}}"

    assert "1000 tokens" not in str(refused(IN_DEVELOPMENT, query(1000)))
    error = refused(IN_DEVELOPMENT, query(1001))
    assert "1000" in str(error)
    assert error.code is RequestErrorCode.INVALID_QUERY


@pytest.mark.parametrize("query", ["{users(search:" + "[" * 980, "{" * 990, "#\n" * 101 + "{__typename}"])
def test_a_document_that_is_nested_too_deeply_or_all_comments_is_refused(query: str) -> None:
    assert refused(IN_DEVELOPMENT, query).code is RequestErrorCode.INVALID_QUERY


def test_fragments_of_fragments_are_measured_in_no_time() -> None:
    chain = "".join(f"fragment f{each} on User {{ ...f{each + 1} ...f{each + 1} }} " for each in range(60))
    assert broken("{ viewer { user { ...f0 } } } " + chain + "fragment f60 on User { a: username }") == [
        f"The query has {2**60} aliases; at most 15 are allowed.",
        f"The query has {2**60 + 2} values to answer; at most 4000 are allowed.",
    ]


def test_a_fragment_that_spreads_itself_is_refused_by_name() -> None:
    query = "{ viewer { user { ...a } } } fragment a on User { ...b } fragment b on User { ...a }"
    assert "Cannot spread fragment 'a' within itself" in str(refused(IN_DEVELOPMENT, query))


def test_introspection_is_on_in_development_and_off_in_production() -> None:
    query = get_introspection_query()
    assert not IN_DEVELOPMENT.prepare(query).is_mutation
    for probe in (query, "{ __schema { types { name } } }", '{ __type(name: "User") { name } }'):
        assert "GraphQL introspection has been disabled" in str(refused(IN_PRODUCTION, probe))
    assert IN_PRODUCTION.prepare("{ __typename }").operation.name is None


def test_names_are_suggested_in_development_and_not_in_production() -> None:
    assert "Did you mean 'viewer'" in str(refused(IN_DEVELOPMENT, "{ viewr }"))
    assert str(refused(IN_PRODUCTION, "{ viewr }")) == "INVALID_QUERY: Cannot query field 'viewr' on type 'Query'."


def test_a_document_is_prepared_once() -> None:
    engine = Engine(SCHEMA, LIMITS, open_schema=True)
    assert engine.prepare("{ __typename }") is engine.prepare("{ __typename }")


def test_a_document_that_is_not_valid_is_refused_again() -> None:
    engine = Engine(SCHEMA, LIMITS, open_schema=True)
    assert str(refused(engine, "{ wrong }")) == str(refused(engine, "{ wrong }"))


def test_kept_documents_are_bounded_and_the_one_not_asked_for_goes_first() -> None:
    engine = Engine(SCHEMA, LIMITS, open_schema=True)
    first, second = engine.prepare("{ __typename }"), engine.prepare("{ a: __typename }")
    big = "{ __typename }" + " " * (LIMITS.kept_characters // 2 - 20)
    engine.prepare(big)
    assert engine.prepare("{ __typename }") is first
    engine.prepare(big + " ")
    assert engine.prepare("{ __typename }") is first
    assert engine.prepare("{ a: __typename }") is not second


def test_a_hundred_related_payments_are_allowed_and_one_more_is_not() -> None:
    nothing: Any = None
    context = Context(session=nothing, settings=nothing, request_context=nothing, payment_rate_limit=nothing, calls=nothing,
                      token_digest=None)
    context.relate("refunds", 60)
    context.relate("refunds", 40)
    with pytest.raises(InvalidInputError) as refused_one:
        context.relate("refundOf", 1)
    assert refused_one.value.field == "refundOf"
    message = "`refunds` and `refundOf` would answer more than 100 payments. Ask for fewer payments at once."
    assert refused_one.value.user_message == message


def test_limits_are_told_as_errors_of_graphql() -> None:
    assert all(isinstance(error, GraphQLError) for error in refused(IN_DEVELOPMENT, "query a {b} query c {d}").errors)
