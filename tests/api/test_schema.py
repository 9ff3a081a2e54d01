"""The schema that is served is the one in the repository, and keeps the contract."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
    build_schema,
    is_specified_directive,
    is_specified_scalar_type,
)

from app.api import schema_text
from app.api.types.errors import Code
from app.errors import WalletError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

# Of the contract, what later issues serve. Everything else is there, by name and shape.
NOT_SERVED_YET = {
    "PaymentRequest", "PaymentRequestConnection", "PaymentRequestEdge", "PaymentRequestPayload",
    "PayRequestInput", "RequestPaymentInput", "RequestStatus",
    "Mutation.cancelRequest", "Mutation.declineRequest", "Mutation.payRequest", "Mutation.requestPayment",
    "Query.paymentRequest", "Viewer.requests",
}


@pytest.fixture(scope="module")
def contract() -> GraphQLSchema:
    return build_schema((Path(__file__).parent / "contract.graphql").read_text())


@pytest.fixture(scope="module")
def served() -> GraphQLSchema:
    return build_schema(schema_text())


def test_the_schema_in_the_repository_is_the_one_that_is_served() -> None:
    assert (ROOT / "schema" / "schema.graphql").read_text() == schema_text()


def test_everything_of_the_contract_is_served_by_name_and_shape_but_what_is_listed(
    contract: GraphQLSchema, served: GraphQLSchema
) -> None:
    wanted, found = dict(_shapes(contract)), dict(_shapes(served))
    missing = {name for name in wanted if name not in found}
    assert {name for name in missing if not _listed(name)} == set()
    assert {name for name in NOT_SERVED_YET if not any(_belongs(each, name) for each in missing)} == set(), "served by now"
    assert {name: found[name] for name in wanted.keys() & found.keys()} == {name: wanted[name] for name in wanted.keys() & found.keys()}


def test_nothing_is_served_beyond_the_contract(contract: GraphQLSchema, served: GraphQLSchema) -> None:
    assert dict(_shapes(served)).keys() - dict(_shapes(contract)).keys() == set()


def test_everything_in_the_schema_is_described(served: GraphQLSchema) -> None:
    bare = []
    for name, type_ in _own_types(served):
        bare += [] if type_.description else [name]
        for field_name, field in getattr(type_, "fields", {}).items():
            bare += [] if field.description else [f"{name}.{field_name}"]
            bare += [f"{name}.{field_name}({arg})" for arg, value in getattr(field, "args", {}).items() if not value.description]
        for value_name, value in type_.values.items() if isinstance(type_, GraphQLEnumType) else ():
            bare += [] if value.description else [f"{name}.{value_name}"]
    assert bare == []


def test_every_code_of_an_error_is_in_the_schema_and_the_other_way_round(served: GraphQLSchema) -> None:
    codes = {error.code for error in _subclasses(WalletError)}
    enum = served.type_map["ErrorCode"]
    assert isinstance(enum, GraphQLEnumType)
    assert set(enum.values) == codes
    assert {each.value for each in Code} == codes


def test_every_error_has_a_sentence_that_ends_like_one() -> None:
    for error in _subclasses(WalletError):
        assert error.default_message.endswith("."), error
        assert error.default_message[0].isupper(), error


def test_bug_money_was_a_float(served: GraphQLSchema) -> None:
    assert "Float" not in served.type_map
    assert str(served.type_map["Money"].fields["amount"].type) == "Amount!"  # type: ignore[attr-defined] # an object type has fields


def test_bug_the_api_exposed_password_hashes(served: GraphQLSchema) -> None:
    readable = {
        f"{name}.{field}" for name, type_ in _own_types(served) if isinstance(type_, GraphQLObjectType) for field in type_.fields
    }
    assert {each for each in readable if "password" in each.lower() or "hash" in each.lower()} == {"Mutation.changePassword"}


def _shapes(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    """Each name of the schema with all that a client relies on: kinds, types with their nullability, defaults."""
    for name, type_ in _own_types(schema):
        yield name, type(type_).__name__.replace("Graphene", "GraphQL")
        if isinstance(type_, GraphQLEnumType):
            yield from ((f"{name}.{value}", "value") for value in type_.values)
        elif isinstance(type_, GraphQLInputObjectType):
            for field_name, field in type_.fields.items():
                yield f"{name}.{field_name}", f"{field.type} = {_default(field.default_value)}"
        elif isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType)):
            yield from ((f"{name} implements {each.name}", "") for each in type_.interfaces)
            for field_name, output in type_.fields.items():
                yield f"{name}.{field_name}", str(output.type)
                for arg, value in output.args.items():
                    yield f"{name}.{field_name}({arg})", f"{value.type} = {_default(value.default_value)}"


def _default(value: object) -> str:
    return "none" if value is Undefined else repr(value)


def _own_types(schema: GraphQLSchema) -> Iterator[tuple[str, GraphQLNamedType]]:
    for name, type_ in schema.type_map.items():
        if not name.startswith("__") and not is_specified_scalar_type(type_):
            yield name, type_
    assert all(is_specified_directive(each) for each in schema.directives)


def _listed(name: str) -> bool:
    return any(_belongs(name, listed) for listed in NOT_SERVED_YET)


def _belongs(name: str, listed: str) -> bool:
    return name == listed or name.startswith((f"{listed}.", f"{listed}("))


def _subclasses(base: type[WalletError]) -> set[type[WalletError]]:
    found = {each for each in base.__subclasses__() if hasattr(each, "code") and each.__module__.startswith("app.errors.")}
    return found | {deeper for each in found for deeper in _subclasses(each)}
