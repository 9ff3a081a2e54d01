"""Variables are read as graphql-core reads them; and what does not fit is left to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, parse
from graphql.execution.values import get_variable_values
from hypothesis import given, settings
from hypothesis import strategies as st

from app.api.schema import SCHEMA
from app.graphql_engine.errors import FallbackRequiredError
from app.graphql_engine.values import compile_variable_values
from tests.load import asking

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

OTHER = build_schema("""
    input Inner { yes: Boolean!, many: [[Int]!] = [[1]] } enum Colour { RED GREEN }
    input Outer { inner: Inner!, colour: Colour = RED, note: String, id: ID, half: Float }
    type Query { f(outer: Outer, list: [Outer!], count: Int!): Int }
""")
QUESTIONS: list[tuple[GraphQLSchema, str]] = [
    (OTHER, "query ($outer: Outer, $list: [Outer!], $count: Int!) { f(outer: $outer, list: $list, count: $count) }"),
    (OTHER, "query ($outer: Outer, $count: Int! = 3) { f(outer: $outer, count: $count) }"),
    (SCHEMA, asking.SEND_PAYMENTS),
]
NAMES = ["outer", "list", "count", "inner", "colour", "note", "id", "half", "yes", "many", "input", "items", "atomic", "to", "amount",
         "idempotencyKey", "memo", "other"]


def values() -> SearchStrategy[Any]:
    """What JSON can say, in names that mean something."""
    flat = st.none() | st.booleans() | st.integers(-3, 2**33) | st.floats(allow_nan=False) | st.sampled_from(["RED", "x", "1.00", ""])
    return st.recursive(flat, lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(NAMES), below, max_size=4))


OUTERS = st.fixed_dictionaries(
    {"inner": st.fixed_dictionaries({"yes": st.booleans()}, optional={"many": st.lists(st.lists(st.none() | st.integers(0, 3)))})},
    optional={
        "colour": st.sampled_from(["RED", "GREEN", "BLUE"]), "note": st.none() | st.text(), "id": st.integers(0, 9),
        "half": st.floats(0, 1),
    },
)
ITEMS = st.fixed_dictionaries({"to": values(), "amount": values(), "idempotencyKey": values()}, optional={"memo": st.none() | st.text()})
GIVEN = st.fixed_dictionaries({}, optional={
    "outer": OUTERS | values(), "list": st.lists(OUTERS, max_size=2) | OUTERS | values(), "count": st.integers(-3, 3) | values(),
    "input": st.fixed_dictionaries({"items": st.lists(ITEMS, max_size=3)}, optional={"atomic": st.none() | st.booleans()}) | values(),
    "other": values(),
})


def read_both_ways(schema: GraphQLSchema, text: str, sent: dict[str, Any]) -> tuple[Any, Any]:
    operation = cast("OperationDefinitionNode", parse(text).definitions[0])
    theirs = get_variable_values(schema, operation.variable_definitions, sent)
    try:
        return compile_variable_values(schema, operation)(sent), theirs
    except Exception:  # noqa: BLE001 - any failure means: ask graphql-core
        return FallbackRequiredError, theirs


@settings(max_examples=400, deadline=None)
@given(question=st.sampled_from(QUESTIONS), sent=GIVEN)
def test_whatever_is_sent_is_read_as_graphql_core_reads_it_or_left_to_it(question: tuple[GraphQLSchema, str], sent: dict[str, Any]) -> None:
    ours, theirs = read_both_ways(*question, sent)
    assert ours in (FallbackRequiredError, theirs)
    if isinstance(theirs, list):
        assert ours is FallbackRequiredError


def test_the_variables_of_a_payout_are_coerced_without_graphql_core() -> None:
    sent = {"input": {"items": [{"to": "bob", "amount": "1", "idempotencyKey": "k"}], "other": 1}}
    assert read_both_ways(SCHEMA, asking.SEND_PAYMENTS, sent)[0] is FallbackRequiredError
    del sent["input"]["other"]
    ours, theirs = read_both_ways(SCHEMA, asking.SEND_PAYMENTS, sent)
    assert ours == theirs
    assert (ours["input"].atomic, ours["input"]["items"][0].idempotency_key) == (True, "k")


@pytest.mark.parametrize("deep", [{"input": {"items": [{"to": [[[]]], "amount": {}, "idempotencyKey": 1}]}}])
def test_what_is_not_flat_is_left_to_graphql_core(deep: dict[str, Any]) -> None:
    assert read_both_ways(SCHEMA, asking.SEND_PAYMENTS, deep)[0] is FallbackRequiredError
