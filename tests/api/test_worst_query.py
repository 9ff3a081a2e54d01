"""The dearest query that is let through is cheap, and what would be dearer is refused before any of it is done."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLList, GraphQLObjectType, get_nullable_type, is_leaf_type, parse

from app import create_app, identity
from app.api.answer import answer
from app.api.limits import LIMITS
from app.api.schema import SCHEMA
from app.database import transact
from app.graphql_engine.limits import Measure
from app.http import RequestContext
from app.identity.listing import MAXIMUM_PEOPLE_PER_PAGE
from app.identity.logins import MAXIMUM_LOGINS_PER_PERSON
from app.identity.tokens import MAXIMUM_TOKENS_PER_PERSON
from app.payments.reading import MAXIMUM_PAYMENTS_PER_PAGE
from app.payments.wallet import MAXIMUM_BALANCE_DAYS
from app.settings import load_settings
from tests.asgi.test_served import ask
from tests.gunicorn import serving
from tests.load.history import Filling, token_of
from tests.statements import statements_sent

if TYPE_CHECKING:
    from tests.conftest import Database, Figure

HUB = "hub1-00001"
USER, MONEY = "{ username displayName joinedAt }", "{ amount currency formatted }"
# All that a payment has, but what is looked up one by one.
PAYMENT = (f"id kind direction memo createdAt amount {MONEY} balanceAfter {MONEY} refunded {MONEY} payer {USER} payee {USER}")
FRAGMENT = f" fragment f on Payment {{ {PAYMENT} }}"


def times(count: int, field: str) -> str:
    return " ".join(f"a{number}: {field}" for number in range(count))


# Five pages of people with their counts take five each, and the token and the person two.
MAXIMUM_STATEMENTS = 20
# The dearest of each kind that the limits let through. With a directive only graphql-core executes it, which takes twice as long;
# what has a mistake in it is executed by the functions made of it first, and then by graphql-core.
WORST = {
    "pages of payments":
        "{ viewer { wallet { payments(first: 72) { nodes { ...f } edges { cursor node { ...f @include(if: true) } } totalCount } } } }"
        + FRAGMENT,
    "pages of people": "{ " + times(
        5, "users(first: 100) { nodes { username displayName } edges { node { username } } totalCount }") + " }",
    "refunds": "{ viewer { wallet { payments(first: 100) { nodes { id refundOf { ...f @include(if: true) } } } } } }" + FRAGMENT,
    "refunds of refunds":
        "{ viewer { wallet { payments(first: 50) { nodes { refundOf { refunds { ...f @include(if: true) } } } } } } }"
        + FRAGMENT,
    "pages of payments, and refunds":
        "{ viewer { wallet { a: payments(first: 50) { nodes { id refundOf { ...f @include(if: true) } } } "
        "b: payments(first: 95) { nodes { ...f } totalCount } } } }" + FRAGMENT,
    "pages of payments, and a mistake":
        "{ viewer { wallet { a: payments(first: 100) { nodes { ...f } } b: payments(first: 49) { nodes { ...f } } "
        "mistake: payments(first: 101) { totalCount } } } }" + FRAGMENT,
    "balance histories": "{ viewer { wallet { " + times(2, f"balanceHistory(days: 366) {{ date balance {MONEY} }}") + " } } }",
    "searches in a history": "{ viewer { wallet { " + times(3, 'payments(filter: {text: "zzz"}) { totalCount nodes { id } }') + " } } }",
    "searches among people": "{ " + times(3, 'users(search: "zzz") { totalCount nodes { username } }') + " }",
    "the books": "{ " + times(3, f"ledgerHealth {{ balanced issued {MONEY} heldByPeople {MONEY} payments checkedAt }}") + " }",
    "fields to compare": "{ viewer { user { " + "...{ username } " * 74 + "} } }",
    "fragments to compare": "{ viewer { user { " + " ".join(f"...f{each}" for each in range(74)) + " } } } " + " ".join(
        f"fragment f{each} on User {{ username }}" for each in range(74)),
}


def size_of(query: str) -> int:
    return Measure(parse(query), LIMITS).size.values


def broken(query: str) -> list[str]:
    return [error.message for error in Measure(parse(query), LIMITS).errors()]


@pytest.mark.parametrize(("arguments", "items"), [
    ("", 20), ("(first: null)", 20), ("(first: 1)", 1), ("(first: 0)", 1), ("(first: -5)", 1), ("(first: 100)", 100),
    ("(first: 101)", 100), ("(first: $first)", 100), ('(after: "x")', 20),
])
def test_a_page_counts_as_many_values_as_it_may_have(arguments: str, items: int) -> None:
    # users, nodes once for each, and the username of each
    assert size_of(f"{{ users{arguments} {{ nodes {{ username }} }} }}") == 1 + items * 2


def test_what_walks_through_many_rows_counts_as_a_thousand() -> None:
    assert size_of('{ users(search: "a", first: 1) { totalCount } }') == 1002
    assert size_of("{ viewer { wallet { payments(filter: $f, first: 1) { totalCount } } } }") == 1004
    assert size_of("{ ledgerHealth { balanced } }") == 1002


def test_four_thousand_values_are_allowed_and_one_more_is_not() -> None:
    def query(values: int) -> str:
        # 39 pages of a hundred values and one, and singles for the rest
        pages = " ".join("users(first: 100) { totalCount }" for _ in range(39))
        return "{ " + pages + " __typename" * (values - 39 * 101) + " }"

    assert size_of(query(4000)) == 4000
    assert broken(query(4000)) == []
    assert broken(query(4001)) == ["The query has 4001 values to answer; at most 4000 are allowed."]


def test_a_page_of_a_hundred_payments_found_by_their_text_with_all_they_have_is_allowed() -> None:
    query = '{ viewer { wallet { payments(first: 100, filter: {text: "a"}) { nodes { ...f } totalCount } } } }' + FRAGMENT
    assert broken(query) == []


def test_what_a_page_may_have_is_what_the_core_gives() -> None:
    assert {name: items.most for name, items in LIMITS.lists.items()} == {
        "users": MAXIMUM_PEOPLE_PER_PAGE, "payments": MAXIMUM_PAYMENTS_PER_PAGE, "balanceHistory": MAXIMUM_BALANCE_DAYS,
        "logins": MAXIMUM_LOGINS_PER_PERSON, "apiTokens": MAXIMUM_TOKENS_PER_PERSON,
    }
    defaults = {name: field.args[LIMITS.lists[name].argument].default_value for kind in ("Query", "Wallet") for name, field in fields(kind)
                if name in LIMITS.lists}
    assert defaults == {"users": 20, "payments": 20, "balanceHistory": 30}
    assert defaults == {name: items.default for name, items in LIMITS.lists.items() if items.argument}


def fields(kind: str) -> Any:
    found: Any = SCHEMA.type_map[kind]
    return found.fields.items()


def test_every_list_of_the_schema_has_an_end() -> None:
    lists = {
        f"{kind.name}.{name}" for kind in SCHEMA.type_map.values() if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__")
        for name, field in kind.fields.items()
        if isinstance(of := get_nullable_type(field.type), GraphQLList) and not is_leaf_type(get_nullable_type(of.of_type))
    }
    pages = {"UserConnection.nodes", "UserConnection.edges", "PaymentConnection.nodes", "PaymentConnection.edges"}  # of a page's size
    counted = {"Payment.refunds"}  # by MAXIMUM_RELATED
    given = {"PaymentsPayload.results"} | {each for each in lists if each.endswith("Payload.errors")}  # one for each that was sent
    assert lists - pages - counted - given == {"Wallet.balanceHistory", "Viewer.logins", "Viewer.apiTokens"}
    assert {each.rpartition(".")[2] for each in lists - pages - counted - given} <= LIMITS.lists.keys()


def fill(database: Database) -> None:
    """A person with a history, the newest 200 of it refunds."""
    with Filling(database.superuser_url.replace("+psycopg2", "")) as filling:
        filling.people(500)
        filling.history(3000)
        filling.finish()
    database.execute("""
        SELECT ledger.refund_transfer(gen_random_uuid(), paid.id, hub, 1, NULL)
        FROM (SELECT account_id AS hub FROM users WHERE username = 'hub1-00001') AS hub
        CROSS JOIN LATERAL (SELECT id FROM ledger.transfers WHERE destination = hub AND kind = 'payment' ORDER BY id LIMIT 200) AS paid
    """)


def test_the_dearest_queries_that_are_let_through_are_cheap(database: Database, figure: Figure) -> None:
    fill(database)
    app = create_app(load_settings({"DATABASE_URL": database.app_url}))
    runtime = app.extensions["wave"]
    request_context = RequestContext(method="POST", path="/graphql", host="x", scheme="https", origin=None, sec_fetch_site=None,
                  authorization=f"Bearer {token_of(HUB)}", login_token=None, user_agent=None, remote_address=None)
    for name, query in WORST.items():
        spent = []
        for number in range(4):
            # Another text each time, so that it is also parsed and validated each time.
            body = json.dumps({"query": query + " " * number}).encode()
            with statements_sent() as sent:
                begun = process_time()
                made = answer(request_context, content_type="application/json", body=body, runtime=runtime)
                spent.append((process_time() - begun) * 1000)
            assert (made.status, "errors" in json.loads(made.body)) == (200, "mistake" in name), made.body[:500]
            assert len(sent) <= MAXIMUM_STATEMENTS
        values = size_of(query)
        assert values <= LIMITS.values
        figure(f"worst query, {name}: {values} values, {len(sent)} statements, {len(made.body)} bytes, {min(spent):.0f} ms of CPU")
    runtime.disconnect()


@pytest.mark.load
def test_fifty_of_the_dearest_at_once_leave_the_server_answering(database: Database, figure: Figure) -> None:
    fill(database)
    body = json.dumps({"query": WORST["pages of payments"]})
    with serving(database.app_url, {"PAYMENT_SYSTEM_ENVIRONMENT": "production"}) as served, ThreadPoolExecutor(50) as pool:
        asking = [pool.submit(ask, served, body, {"Authorization": f"Bearer {token_of(HUB)}"}) for _ in range(50)]
        took = []
        while not all(each.done() for each in asking):
            begun = perf_counter()
            assert ask(served, b"", method="GET", path="/healthz")[0] == 200
            took.append((perf_counter() - begun) * 1000)
        assert {each.result()[0] for each in asking} == {200}
    took.sort()
    figure(f"beside 50 of the dearest queries: {len(took)} of /healthz, p50 {took[len(took) // 2]:.0f} ms, "
           f"p99 {took[len(took) * 99 // 100]:.0f} ms")


def test_a_person_has_so_many_logins_and_the_oldest_end(database: Database, sessions: Any, settings: Any, viewer: Any) -> None:
    viewer("alice")
    database.execute("INSERT INTO logins (id, user_id, token_sha256, created_at) SELECT gen_random_uuid(), users.id, "
                     "sha256(convert_to(number::text, 'UTF8')), now() - make_interval(secs => number) "
                     "FROM users, generate_series(1, 120) AS number")
    transact(sessions, lambda session: identity.start_login(session, "alice", user_agent=None, settings=settings))
    assert database.execute("SELECT count(*), min(created_at) > now() - interval '110 seconds' FROM logins") == [(100, True)]
