"""A thousand requests that Schemathesis makes of the schema, against the real server: none breaks it, and none learns what is inside."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok

from app import identity
from app.database import transact
from app.http import cookie_name
from app.identity import Scope
from tests.asgi.test_served import ask
from tests.gunicorn import serving
from tests.load.generator import new_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Database, Figure
    from tests.gunicorn import Served

CASES = 1000
SDL = Path(__file__).parents[2] / "schema" / "schema.graphql"
# A traceback, a statement, an address of the database, a place in the code, a driver's or framework's own words.
LEAKS = re.compile(
    r"Traceback|File \\?\"|line \d+, in |\b(SELECT|INSERT INTO|UPDATE|DELETE FROM) [a-z\"(*]|postgres(ql)?(\+\w+)?://|psycopg2|sqlalchemy|"
    r"DETAIL:|HINT:|password_hash|\$argon2|token_sha256|site-packages|/work/|/opt/|/home/|/usr/|\.py\b|graphql\.|<class |<function |"
    r"object at 0x",
    re.IGNORECASE,
)
# What a scalar of ours may be: right, nearly so, and anything else.
SCALARS = {
    "UUID": st.one_of(
        st.uuids().map(str), st.sampled_from(["5d3c9a71-e84b-4f26-9b0d-000000000001", "00000000-0000-4000-8000-000000000001"]),
        st.text(max_size=40)),
    "Username": st.one_of(st.sampled_from(["alice", "bob", "BOB", "nobody-here"]), st.text(max_size=40)),
    "Amount": st.one_of(
        st.decimals("0.01", "20", places=2).map(str), st.sampled_from(["NaN", "1e9", "-1", "0", "9" * 40]), st.text(max_size=40)),
    "DateTime": st.one_of(st.datetimes().map(lambda moment: moment.isoformat() + "Z"), st.text(max_size=40)),
}


@pytest.fixture
def served(database: Database) -> Iterator[Served]:
    """As in production, but for throttles, which would keep most of it from being reached."""
    limits = {"PAYMENT_SYSTEM_THROTTLE_SCALE": "1000", "PAYMENT_SYSTEM_ENVIRONMENT": "production"}
    with serving(database.app_url, limits) as running:
        yield running


def queries() -> st.SearchStrategy[str]:
    """Requests for every field of the roots."""
    for name, values in SCALARS.items():
        schemathesis.graphql.scalar(name, values.map(schemathesis.graphql.nodes.String))
    schema = schemathesis.graphql.from_file(SDL.read_text(encoding="utf-8"))
    fields = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    return st.one_of([field.as_strategy() for field in fields]).map(lambda case: str(case.body))


@pytest.mark.load
def test_a_thousand_requests_of_any_kind_neither_break_it_nor_learn_anything(
    served: Served, database: Database, sessions: Any, viewer: Any, browser: Any, figure: Figure
) -> None:
    alice = viewer("alice")
    viewer("bob")
    browser("alice")
    secret = transact(sessions, partial(identity.create_api_token, viewer=alice, name="fuzzing", scopes=tuple(Scope))).secret
    ways_in: list[dict[str, str]] = [{}, {"Authorization": f"Bearer {secret}"}]
    found: Counter[int] = Counter()
    reached: Counter[str] = Counter()

    @settings(max_examples=CASES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(query=queries(), way=st.sampled_from(range(3)))
    def send(query: str, way: int) -> None:
        headers = ways_in[way] if way < len(ways_in) else {"Cookie": f"{cookie_name(secure=False)}={signed_in(sessions)}"}
        status, _, answer = ask(served, json.dumps({"query": query}).encode(), headers)
        text = answer.decode()
        found[status] += 1
        assert status < 500, text
        assert "INTERNAL" not in text, text
        assert not LEAKS.search(text), text
        reached.update((json.loads(text).get("data") or {}).keys())

    send()
    served.stop()
    assert not [line for line in served.log if '"bug"' in line]
    figure(f"Schemathesis: {found.total()} requests, answered {dict(sorted(found.items()))}, {len(reached)} fields of the roots reached")
    assert found.total() >= CASES
    assert len(reached) > 10
    assert database.execute("SELECT sum(balance)::bigint FROM ledger.accounts") == [(0,)]


def signed_in(sessions: Any) -> str:
    """A new login of Alice's: the one before may have been ended by a request."""
    from app.settings import load_settings

    limits = load_settings({"DATABASE_URL": "postgresql:///unused"})
    return transact(sessions, lambda session: identity.start_login(session, "alice", user_agent=new_key(), settings=limits))
