"""What the compiled functions do not know is executed by graphql-core, each for one reason; and what is fatal ends at once."""

from __future__ import annotations

from types import FunctionType, SimpleNamespace
from typing import Any

import pytest
from graphql import GraphQLSchema, Undefined, build_schema

from app.graphql_engine import Engine, RequestError
from tests.graphql_engine.test_random import LIMITS

NULL = "Cannot return null for non-nullable field Query.{}."


def schema_of(value: Any) -> GraphQLSchema:
    """Each field gives this value."""
    schema = build_schema("""
        type Thing { name: String, echo(of: Int! = 1): Int }
        input Choice { a: Int = 4, again: [Choice!] }
        type Query { text: String, must: String!, thing: Thing, mustThing: Thing!, texts: [String], things: [Thing!],
                     many(of: [Int!], choice: Choice = {}): [Int!] }
        type Mutation { thing: Thing }
    """)
    for kind in (schema.query_type, schema.mutation_type):
        assert kind
        for field in kind.fields.values():
            field.resolve = lambda _parent, _info, **arguments: value(**arguments) if isinstance(value, FunctionType) else value
    return schema


def answer(value: Any, query: str, **variables: Any) -> tuple[str | None, list[str]]:
    engine = Engine(schema_of(value), LIMITS, open_schema=True)
    result = engine.execute(engine.operation(engine.prepare(query), variables), None)
    return result.data, [error.message for error in result.errors]


@pytest.mark.parametrize(("value", "query", "data", "errors"), [
    (None, "{ must }", None, [NULL.format("must")]),
    (None, "{ mustThing { name } }", None, [NULL.format("mustThing")]),
    (Undefined, "{ text thing { __typename } }", '{"text":null,"thing":null}', ["Undefined", "Undefined"]),
    (ValueError("no"), "{ text }", '{"text":null}', ["no"]),
    (ValueError("no"), "{ thing { __typename } }", '{"thing":null}', ["no"]),
    ([None], "{ things { name } }", '{"things":null}', [NULL.format("things")]),
    ("ab", "{ texts }", '{"texts":null}', ["Expected Iterable, but did not find one for field 'Query.texts'."]),
    ({"a": 1}, "{ texts }", '{"texts":null}', ["Expected Iterable, but did not find one for field 'Query.texts'."]),
    ({"a"}, "{ texts }", '{"texts":["a"]}', []),
    ({"name": "in a dictionary"}, "{ thing { name } }", '{"thing":{"name":"in a dictionary"}}', []),
    (SimpleNamespace(name=lambda _info: "called"), "{ thing { name } }", '{"thing":{"name":"called"}}', []),
    (SimpleNamespace(), "{ thing { name } }", '{"thing":{"name":null}}', []),
    (SimpleNamespace(name="x"), "{ thing { name @skip(if: true) } }", '{"thing":{}}', []),
    (SimpleNamespace(echo=lambda _info, of: of + 1), "{ thing { echo(of: 3) } }", '{"thing":{"echo":4}}', []),
])
def test_what_is_unusual_is_answered_as_graphql_core_answers(value: Any, query: str, data: str | None, errors: list[str]) -> None:
    assert answer(value, query) == (data, errors)


def test_an_argument_that_does_not_fit_is_refused_also_where_the_field_is_an_attribute() -> None:
    found = answer(SimpleNamespace(echo=2), "query ($of: Int = 1) { thing { echo(of: $of) } }", of=None)
    assert found == ('{"thing":{"echo":null}}', ["Argument 'of' of non-null type 'Int!' must not be null."])


def test_an_object_that_is_of_another_type_is_an_error() -> None:
    schema = schema_of(SimpleNamespace(name="x"))
    schema.type_map["Thing"].is_type_of = lambda _value, _info: False  # type: ignore[attr-defined] # it is an object
    engine = Engine(schema, LIMITS, open_schema=True)
    result = engine.execute(engine.operation(engine.prepare("{ thing { __typename } }"), {}), None)
    assert (result.data, len(result.errors)) == ('{"thing":null}', 1)


def test_a_list_that_is_read_only_once_is_not_read_before_graphql_core_does() -> None:
    made = iter([1, 2])
    assert answer(lambda **_: made, "{ many }") == ('{"many":[1,2]}', [])


def test_a_list_that_a_resolver_changes_is_whole_the_next_time() -> None:
    engine = Engine(schema_of(lambda of, choice: [of.pop(), choice["a"]]), LIMITS, open_schema=True)
    for _ in range(2):
        operation = engine.operation(engine.prepare("{ many(of: [7, 8]) }"), {})
        assert engine.execute(operation, None).data == '{"many":[8,4]}'


@pytest.mark.parametrize(("sent", "data"), [
    ({"of": 3}, '{"many":[3,4]}'), ({"of": [3], "choice": {"a": 1, "again": [{"again": []}]}}, '{"many":[3,1]}'),
])
def test_variables_that_only_graphql_core_coerces_are_coerced(sent: dict[str, Any], data: str) -> None:
    query = "query ($of: [Int!]!, $choice: Choice) { many(of: $of, choice: $choice) }"
    assert answer(lambda of, choice: [*of, choice["a"]], query, **sent) == (data, [])


@pytest.mark.parametrize(("sent", "message"), [
    ({}, "Variable '$of' of required type '[Int!]!' was not provided."),
    ({"of": None}, "Variable '$of' of non-null type '[Int!]!' must not be null."),
    ({"of": [None]}, "Variable '$of' got invalid value None at 'of[0]'; Expected non-nullable type 'Int!' not to be None."),
])
def test_variables_that_do_not_fit_are_refused_before_anything_is_executed(sent: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError) as refused:
        answer(lambda **_: pytest.fail("executed"), "query ($of: [Int!]!) { many(of: $of) }", **sent)
    assert [error.message for error in refused.value.errors] == [message]


def test_a_mutation_whose_answer_falls_back_is_done_once_and_another_request_does_it_again() -> None:
    done: list[int] = []

    def change() -> Any:
        done.append(1)
        return {"name": str(len(done))}  # a dictionary falls back

    engine = Engine(schema_of(change), LIMITS, open_schema=True)
    operation = engine.operation(engine.prepare("mutation { thing { name } }"), {})
    assert [engine.execute(operation, None).data for _ in range(2)] == ['{"thing":{"name":"1"}}', '{"thing":{"name":"2"}}']


@pytest.mark.parametrize("query", ["{ thing { name } }", "mutation { thing { name } }", "{ thing { name @skip(if: false) } }"])
def test_what_is_fatal_ends_the_request_whoever_executes_it(query: str) -> None:
    done: list[int] = []

    def fail() -> None:
        done.append(1)
        raise ConnectionError("gone")

    engine = Engine(schema_of(fail), LIMITS, open_schema=True, fatal=(ConnectionError,))
    with pytest.raises(ConnectionError, match="gone"):
        engine.execute(engine.operation(engine.prepare(query), {}), None)
    assert done == [1]


def test_an_answer_that_cannot_be_settled_is_given_up_and_executed_by_graphql_core() -> None:
    settled: list[str] = []

    def settle() -> None:
        settled.append("tried")
        if len(settled) == 1:
            raise PermissionError

    engine = Engine(schema_of("text"), LIMITS, open_schema=True)
    result = engine.execute(engine.operation(engine.prepare("{ text }"), {}), None, settle=settle)
    assert (result.data, settled) == ('{"text":"text"}', ["tried", "tried"])
