"""Whatever the schema, the document and its variables: the engine answers what graphql-core answers, and changes nothing twice."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from graphql import execute_sync
from hypothesis import given, settings
from hypothesis import strategies as st

from app.graphql_engine import Engine, Limits, RequestError
from app.graphql_engine.execution import ResolveInfo, RootResults, encode_json
from tests.graphql_engine.documents import RandomDocument
from tests.graphql_engine.schemas import RandomSchema
from tests.graphql_engine.worlds import World

MANY = 10**6
LIMITS = Limits(
    tokens=MANY, comments=MANY, depth=MANY, aliases=MANY, directives=MANY, fields=MANY, values=MANY, errors=20, kept_characters=MANY)
# The same examples each time: what fails then fails by a change.
SEEDS = st.integers(0, 2**64)
FAULTS = st.sampled_from([0, 3, 10])
"""Of a hundred values that resolvers give."""


def told(errors: Any) -> list[Any]:
    return [(error.formatted, repr(error.original_error)) for error in errors or ()]


def by_graphql_core(made: RandomSchema, text: Any, variables: dict[str, Any], world: World) -> tuple[Any, list[Any]]:
    result = execute_sync(made.schema, text, context_value=world, variable_values=variables, max_coercion_errors=20)
    return None if result.data is None else encode_json(result.data), told(result.errors)


def by_engine(engine: Engine, document: RandomDocument, world: World) -> tuple[Any, list[Any]]:
    try:
        result = engine.execute(engine.operation(engine.prepare(document.text), document.variables), world)
    except RequestError as refused:
        return None, told(refused.errors)
    return result.data, told(result.errors)


def check(seed: int, faults: int) -> None:
    """Compare both ways for the schema, document and variables of this seed."""
    random = Random(seed)  # noqa: S311 - the chance of a test
    made = RandomSchema(random, is_plain=random.random() < 0.5)
    document = RandomDocument(random, made, is_plain=False, faults=faults)
    ours, theirs = (World(seed, faults, made.kinds, made.possible) for _ in range(2))
    engine = Engine(made.schema, LIMITS, open_schema=True)
    prepared = engine.prepare(document.text)
    expected = by_graphql_core(made, prepared.document, document.variables, theirs)
    assert by_engine(engine, document, ours) == expected
    assert ours.changed == theirs.changed


def check_plain(seed: int) -> None:
    """The same where nothing is unusual: graphql-core is not needed."""
    random = Random(seed)  # noqa: S311 - the chance of a test
    made = RandomSchema(random, is_plain=True)
    document = RandomDocument(random, made, is_plain=True)
    ours, theirs = (World(seed, 0, made.kinds, made.possible) for _ in range(2))
    prepared = Engine(made.schema, LIMITS, open_schema=False).prepare(document.text)
    expected = by_graphql_core(made, prepared.document, document.variables, theirs)
    assert prepared.execute
    info = ResolveInfo(ours, prepared.coerce_variable_values(document.variables), RootResults())
    assert (prepared.execute(None, info), []) == expected
    assert ours.changed == theirs.changed


@settings(max_examples=200, deadline=None, derandomize=True)
@given(seed=SEEDS, faults=FAULTS)
def test_the_engine_answers_what_graphql_core_answers(seed: int, faults: int) -> None:
    check(seed, faults)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_what_is_not_unusual_needs_no_graphql_core(seed: int) -> None:
    check_plain(seed)


@pytest.mark.load
@settings(max_examples=1200, deadline=None, derandomize=True)
@given(seed=SEEDS, faults=FAULTS)
def test_the_engine_answers_what_graphql_core_answers_on_many_schemas(seed: int, faults: int) -> None:
    check(seed, faults)


@pytest.mark.load
@settings(max_examples=500, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_what_is_not_unusual_needs_no_graphql_core_on_many_schemas(seed: int) -> None:
    check_plain(seed)
