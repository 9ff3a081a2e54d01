"""Who may ask for what, field by field: generated from the schema, so that a field without a rule fails, and is closed until it has one."""

from __future__ import annotations

from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

from app import identity
from app.api.schema import SCHEMA
from app.database import transact
from app.identity import Scope
from tests.conftest import PASSWORD

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from graphql import GraphQLField, GraphQLInputType

    from app.database import Sessions
    from tests.conftest import Browsers


class Needs(Enum):
    """What somebody has to be, to get a field."""

    NOTHING = "anyone"
    SIGNED_IN = "signed in, by whatever way"
    READ = "a login, or a token with the scope READ"
    PAY = "a login, or a token with the scope PAY"
    LOGIN = "a login in a browser"


# Every way in from the roots to what is somebody's. What is not here is a field of one of OPEN_TYPES, or lies behind one of these.
RULES = {
    "Query.viewer": Needs.NOTHING,  # null for nobody
    "Query.users": Needs.NOTHING,
    "Query.user": Needs.NOTHING,
    "Query.ledgerHealth": Needs.NOTHING,
    "Query.payment": Needs.READ,
    "Viewer.user": Needs.SIGNED_IN,
    "Viewer.wallet": Needs.READ,
    "Viewer.logins": Needs.READ,
    "Viewer.apiTokens": Needs.READ,
    "Mutation.register": Needs.NOTHING,
    "Mutation.logIn": Needs.NOTHING,
    "Mutation.logOut": Needs.LOGIN,
    "Mutation.changePassword": Needs.LOGIN,
    "Mutation.closeAccount": Needs.LOGIN,
    "Mutation.revokeLogin": Needs.LOGIN,
    "Mutation.createApiToken": Needs.LOGIN,
    "Mutation.revokeApiToken": Needs.LOGIN,
    "Mutation.sendPayment": Needs.PAY,
    "Mutation.sendPayments": Needs.PAY,
    "Mutation.refundPayment": Needs.PAY,
}
RULED_TYPES = ("Query", "Viewer", "Mutation")
OPEN_TYPES = {"User", "UserConnection", "UserEdge", "PageInfo", "LedgerHealth", "Money", "Viewer", "BasicError", "InsufficientFundsError",
              "RateLimitedError"}
"""What anyone may be shown who may ask for the field that it is of."""
PRIVATE_TYPES = {"Wallet", "PaymentConnection", "PaymentEdge", "Payment", "BalancePoint", "Login", "ApiToken"}
PAYLOADS = {"ViewerPayload", "PaymentPayload", "PaymentsPayload", "ApiTokenPayload", "DonePayload"}

DENIED = {"UNAUTHENTICATED", "FORBIDDEN"}
ADMITTED = {
    Needs.NOTHING: {"nobody", "READ", "PAY", "READ and PAY", "login"},
    Needs.SIGNED_IN: {"READ", "PAY", "READ and PAY", "login"},
    Needs.READ: {"READ", "READ and PAY", "login"},
    Needs.PAY: {"PAY", "READ and PAY", "login"},
    Needs.LOGIN: {"login"},
}
# Who is not signed in is out already.
ADMITTED_BESIDE = {"Mutation.logOut": {"nobody"}}
UUID = '"5d3c9a71-e84b-4f26-9b0d-000000000001"'
SAMPLES = {"UUID": UUID, "Username": '"bob"', "Amount": '"1.00"', "String": '"a sample of text"', "Boolean": "true"}


def object_types() -> dict[str, GraphQLObjectType]:
    return {name: kind for name, kind in SCHEMA.type_map.items() if isinstance(kind, GraphQLObjectType) and not name.startswith("__")}


def sample(kind: GraphQLInputType) -> str:
    """A value that the type takes."""
    match kind:
        case GraphQLNonNull():
            return sample(kind.of_type)
        case GraphQLList():
            return f"[{sample(kind.of_type)}]"
        case GraphQLEnumType():
            return next(iter(kind.values))
        case GraphQLInputObjectType():
            needed = {name: field for name, field in kind.fields.items() if is_required_input_field(field)}
            return "{" + ", ".join(f"{name}: {sample(field.type)}" for name, field in needed.items()) + "}"
    return SAMPLES[str(kind)]


def call(name: str, field: GraphQLField) -> str:
    arguments = {each: given for each, given in field.args.items() if is_required_argument(given)}
    given = ", ".join(f"{each}: {sample(of.type)}" for each, of in arguments.items())
    inner = "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
    return name + (f"({given})" if given else "") + inner


def query_for(rule: str) -> str:
    """The smallest request for the field."""
    parent, name = rule.split(".")
    field = object_types()[parent].fields[name]
    if parent == "Mutation":
        return "mutation { " + call(name, field).replace("{ __typename }", "{ errors { code } }") + " }"
    return "{ " + ("viewer { " + call(name, field) + " }" if parent == "Viewer" else call(name, field)) + " }"


def test_every_field_of_a_root_and_of_the_viewer_has_a_rule() -> None:
    found = {f"{parent}.{name}" for parent in RULED_TYPES for name in object_types()[parent].fields}
    assert found == RULES.keys()


def test_every_type_is_known_as_open_or_private() -> None:
    assert object_types().keys() == OPEN_TYPES | PRIVATE_TYPES | PAYLOADS | set(RULED_TYPES)


def test_no_field_leads_to_what_is_private_but_those_that_have_a_rule() -> None:
    for parent in OPEN_TYPES - {"Viewer"}:
        led_to = {get_named_type(field.type).name for field in object_types()[parent].fields.values()}
        assert not led_to & (PRIVATE_TYPES | PAYLOADS | {"Viewer"}), parent
    for parent in RULED_TYPES:
        for name, field in object_types()[parent].fields.items():
            if get_named_type(field.type).name in PRIVATE_TYPES:
                assert RULES[f"{parent}.{name}"] is Needs.READ


@pytest.fixture
def ways_in(client: FlaskClient, browser: Browsers, sessions: Sessions, viewer: Any) -> dict[str, Any]:
    """Sends a query as each kind of caller, all of them Alice but one, who is nobody."""
    alice = viewer("alice")
    viewer("bob")
    scopes = {"READ": (Scope.READ,), "PAY": (Scope.PAY,), "READ and PAY": tuple(Scope)}
    made = {name: transact(sessions, partial(identity.create_api_token, viewer=alice, name=name[:4], scopes=each)).secret
            for name, each in scopes.items()}
    headers = {name: {"Authorization": f"Bearer {secret}"} for name, secret in made.items()}
    return {
        "nobody": client.post, "login": browser("alice").post,
        **{name: partial(client.post, headers=each) for name, each in headers.items()},
    }


@pytest.mark.parametrize("rule", RULES)
def test_a_field_is_given_to_those_its_rule_says_and_to_nobody_else(ways_in: dict[str, Any], rule: str) -> None:
    admitted = set()
    for way, send in ways_in.items():
        answer = send("/graphql", json={"query": query_for(rule)})
        assert answer.status_code == 200, answer.text
        data, errors = answer.json["data"] or {}, answer.json.get("errors", [])
        payload = next(iter(data.values()), None) if rule.startswith("Mutation") else None
        codes = {error["extensions"]["code"] for error in errors} | {error["code"] for error in (payload or {}).get("errors", [])}
        nothing = (rule.startswith("Viewer.") and data.get("viewer") is None) or (rule == "Query.payment" and way == "nobody")
        if not codes & DENIED and not nothing:
            admitted.add(way)
    assert admitted == ADMITTED[RULES[rule]] | ADMITTED_BESIDE.get(rule, set())


def test_a_payment_is_shown_to_nobody_who_is_not_signed_in(ways_in: dict[str, Any]) -> None:
    order = f'mutation {{ sendPayment(input: {{idempotencyKey: {UUID}, to: "bob", amount: "1.00"}}) {{ errors {{ code }} }} }}'
    assert ways_in["login"]("/graphql", json={"query": order}).json["data"]["sendPayment"]["errors"] == []
    query = {"query": f"{{ payment(id: {UUID}) {{ id }} }}"}
    shown = {way: (send("/graphql", json=query).json["data"] or {}).get("payment") is not None for way, send in ways_in.items()}
    assert shown == {"nobody": False, "login": True, "READ": True, "PAY": False, "READ and PAY": True}


CREATE = """mutation ($input: CreateApiTokenInput!) { createApiToken(input: $input) { secret errors { code field message } } }"""


@pytest.mark.parametrize(("seconds", "given", "field"), [
    (295, None, None), (300, None, "currentPassword"), (86_000, None, "currentPassword"), (300, PASSWORD, None),
    (0, "not the password", "currentPassword"), (300, "", "currentPassword"),
])
def test_a_token_needs_the_password_again_when_the_login_is_not_recent(
    browser: Browsers, database: Any, seconds: int, given: str | None, field: str | None
) -> None:
    alice = browser("alice")
    database.execute(f"UPDATE logins SET created_at = now() - interval '{seconds} seconds'")
    wanted = {"name": "till", "scopes": ["READ"], **({} if given is None else {"currentPassword": given})}
    answer = alice.post("/graphql", json={"query": CREATE, "variables": {"input": wanted}})
    assert answer.json
    made = answer.json["data"]["createApiToken"]
    assert [(each["code"], *each["field"]) for each in made["errors"]] == ([("WRONG_CREDENTIALS", field)] if field else [])
    assert (made["secret"] is None) == (field is not None)
    assert database.execute("SELECT count(*) FROM api_tokens") == [(0 if field else 1,)]
