"""A compiled document answers what graphql-core answers, whatever is asked; and what it does not know, it leaves to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import pytest
from graphql import GraphQLObjectType, execute_sync, get_named_type
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import payments
from app.amounts import parse_amount
from app.api.answer import runs_on_event_loop
from app.api.calls import DirectCalls
from app.api.context import Context
from app.api.limits import LIMITS
from app.api.schema import SCHEMA, engine_in
from app.database import transact
from app.graphql_engine import Engine
from app.graphql_engine.execution import ResolveInfo, RootResults, encode_json
from app.http import PaymentRateLimit, RequestContext
from app.money import Currency
from tests.load import asking

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from graphql import ExecutionResult
    from sqlalchemy.orm import Session

    from app.database import Sessions

DEEPEST = 5
# What a field is asked with, where it has to be, or may be.
ARGUMENTS = {
    "Query.users": ["", "(first: 2)", "(first: 1, after: null)", '(search: "bo")', "(first: $first)"],
    "Query.user": ['(username: "bob")', '(username: "nobody")', '(username: "?")'],
    "Query.payment": ['(id: "5d3c9a71-e84b-4f26-9b0d-000000000001")', '(id: "5d3c9a71-e84b-4f26-9b0d-000000000009")'],
    "Wallet.payments": ["", "(first: 2)", "(first: $first)", '(filter: {direction: SENT, minAmount: "0.02"})', "(first: 101)"],
    "Wallet.balanceHistory": ["(days: 3)", "(days: 0)"],
}
REQUEST_CONTEXT = RequestContext(
    method="POST", path="/graphql", host="x", scheme="http", origin=None, sec_fetch_site=None, authorization=None, login_token=None,
    user_agent=None, remote_address=None, request_id="1",
)
VARIABLES = {"first": 1}
CURRENCY = Currency.named("GBP")
UNUSUAL = "unusual"
# Another moment each time.
NEVER_THE_SAME = "checkedAt"
QUERY = cast("GraphQLObjectType", SCHEMA.query_type)
# What is asked at random may have more than the API lets through.
ENGINE = Engine(SCHEMA, replace(LIMITS, aliases=10**6, values=10**6), open_schema=True)


@st.composite
def selections(draw: st.DrawFn, parent: GraphQLObjectType, depth: int = 0) -> str:
    """Some fields of this type, with what lies below them; some twice under other names, some in a fragment."""
    leaves = depth == DEEPEST
    names = [name for name, field in parent.fields.items()
             if name != NEVER_THE_SAME and not (leaves and isinstance(get_named_type(field.type), GraphQLObjectType))]
    parts = ["__typename"]
    for place, name in enumerate(draw(st.lists(st.sampled_from(names), max_size=4)) if names else []):
        field = get_named_type(parent.fields[name].type)
        below = draw(selections(field, depth + 1)) if isinstance(field, GraphQLObjectType) else ""
        asked = f"as{place}: {name}{draw(st.sampled_from(ARGUMENTS.get(f'{parent.name}.{name}', [''])))} {below}"
        parts.append(f"... on {parent.name} {{ {asked} }}" if draw(st.booleans()) else asked)
    return "{ " + " ".join(parts) + " }"


@pytest.fixture
def executed(app: Flask, sessions: Sessions, viewer: Any) -> Callable[[str], tuple[Any, ExecutionResult]]:
    """Executes a query both ways: what the compiled one says, UNUSUAL when it leaves that to graphql-core, and what graphql-core says."""
    alice, bob, first = viewer("alice"), viewer("bob"), UUID(int=1)
    penny = parse_amount("0.01", CURRENCY)

    def move(session: Session) -> None:
        for key, payer, payee in ((first, alice, "bob"), (UUID(int=2), bob, "alice"), (UUID(int=3), alice, "bob")):
            payments.pay(session, payer, idempotency_key=key, to=payee, amount=penny, memo=None)
        payments.refund(session, bob, idempotency_key=UUID(int=4), payment_id=first, amount=None, currency=CURRENCY, memo="sorry")

    transact(sessions, move)

    def execute(text: str) -> tuple[Any, ExecutionResult]:
        prepared = ENGINE.prepare(text)

        def work(session: Session) -> tuple[Any, ExecutionResult]:
            context = Context(session=session, settings=app.extensions["wave"].settings, request_context=REQUEST_CONTEXT,
                              payment_rate_limit=PaymentRateLimit(),
                              calls=DirectCalls(), token_digest=None)
            context.identify(alice)
            result = execute_sync(SCHEMA, prepared.document, context_value=replace(context), variable_values=VARIABLES)
            try:
                info = ResolveInfo(context, VARIABLES, RootResults())
                return prepared.execute(None, info) if prepared.execute else UNUSUAL, result
            except Exception:  # noqa: BLE001 - any failure means: ask graphql-core
                return UNUSUAL, result

        return transact(sessions, work)

    return execute


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(selection=selections(QUERY))
def test_whatever_is_asked_both_ways_answer_the_same(executed: Callable[[str], tuple[Any, ExecutionResult]], selection: str) -> None:
    compiled, result = executed(f"query ($first: Int) {{ ask: users(first: $first) {{ totalCount }} ... on Query {selection} }}")
    if result.errors:
        assert compiled == UNUSUAL
    else:
        assert compiled == encode_json(result.data)  # in the same order, too


@pytest.mark.parametrize("text", [
    "{ viewer { user { username @include(if: true) } } }",
    "{ __schema { queryType { name } } }",
])
def test_what_only_graphql_core_knows_is_left_to_it(executed: Callable[[str], tuple[Any, ExecutionResult]], text: str) -> None:
    compiled, result = executed(text)
    assert compiled == UNUSUAL
    assert result.data
    assert not result.errors


def test_what_is_asked_most_goes_the_cheapest_way() -> None:
    engine = engine_in("production")
    assert all(engine.prepare(text).execute for text in (asking.WALLET, asking.HISTORY))
    assert runs_on_event_loop(engine.prepare(asking.SEND_PAYMENT))
    assert engine.prepare(asking.SEND_PAYMENTS).execute


def test_fragments_in_fragments_are_not_written_out_without_end() -> None:
    levels = "".join(f"fragment f{n} on Payment {{ refundOf {{ ...f{n + 1} }} refunds {{ ...f{n + 1} }} }} " for n in range(12))
    text = f"{{ viewer {{ wallet {{ payments {{ nodes {{ ...f0 }} }} }} }} }} {levels} fragment f12 on Payment {{ id }}"
    engine = Engine(SCHEMA, replace(LIMITS, depth=100, values=10**6), open_schema=True)
    assert engine.prepare(text).execute is None


def test_what_is_asked_often_stays_prepared_and_large_documents_weigh_more() -> None:
    engine = Engine(SCHEMA, LIMITS, open_schema=False)
    often = engine.prepare("{ viewer { user { username } } }")
    names = " ".join(f"a{n}: id" for n in range(15)) + " kind memo direction createdAt"
    large = [f"query Q{n} {{ viewer {{ wallet {{ payments {{ nodes {{ {names} }} }} }} }} }}" for n in range(600)]
    first = engine.prepare(large[0])
    for text in large:
        engine.prepare(text)
        assert engine.kept("{ viewer { user { username } } }") is often
    assert engine.prepare(large[0]) is not first
    assert sum(len(text) for text in large) < LIMITS.kept_characters
