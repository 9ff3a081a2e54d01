"""Owns reading the variables of a document by functions made of their types once: on the plain road, where all of them fit.

Whatever does not fit is an UnusualError: graphql-core then reads the same and tells what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    Undefined,
    type_from_ast,
)

if TYPE_CHECKING:
    from graphql import GraphQLSchema, OperationDefinitionNode

ReadGiven = Callable[[Any], Any]
"""From a value as it was sent to the same as the schema reads it. Raises: UnusualError, and whatever a scalar raises."""


class UnusualError(Exception):
    """Not the plain road; graphql-core knows the way."""


def compile_variables(schema: GraphQLSchema, operation: OperationDefinitionNode) -> ReadGiven:
    """The variables of a valid operation as a function of what was sent."""
    definitions = operation.variable_definitions or ()
    if any(definition.default_value for definition in definitions):
        return _unusual
    types = {each.variable.name.value: cast("GraphQLInputType", type_from_ast(schema, each.type)) for each in definitions}
    reads = {name: (_value(kind), isinstance(kind, GraphQLNonNull)) for name, kind in types.items()}

    def read(given: dict[str, Any]) -> dict[str, Any]:
        if any(required and name not in given for name, (_, required) in reads.items()):
            raise UnusualError
        return {name: of_one(given[name]) for name, (of_one, _) in reads.items() if name in given}

    return read


def _value(kind: GraphQLInputType) -> ReadGiven:
    """Source: the GraphQL specification of October 2021, section 6.1.2, Coercing Variable Values, and section 3, Input Coercion."""
    if isinstance(kind, GraphQLNonNull):
        read = _value(kind.of_type)
        return lambda given: _unusual(given) if given is None else read(given)
    if isinstance(kind, GraphQLList):
        item = _value(kind.of_type)
        return lambda given: [item(each) for each in given] if isinstance(given, list) else None if given is None else _unusual(given)
    if isinstance(kind, GraphQLInputObjectType):
        return _input_object(kind)
    if isinstance(kind, GraphQLScalarType | GraphQLEnumType):
        parse: ReadGiven = kind.parse_value
        # Only what is flat: how deeply anything else may be nested, graphql-core knows.
        return lambda given: None if given is None else parse(given) if isinstance(given, str | int | float) else _unusual(given)
    return _unusual


def _input_object(kind: GraphQLInputObjectType) -> ReadGiven:
    names = kind.fields.keys()
    required = {name for name, field in kind.fields.items() if isinstance(field.type, GraphQLNonNull) and field.default_value is Undefined}
    defaults = {field.out_name or name: field.default_value for name, field in kind.fields.items() if field.default_value is not Undefined}
    reads = {name: (field.out_name or name, _value(field.type)) for name, field in kind.fields.items()}

    def read(given: object) -> object:
        if given is None:
            return None
        if not isinstance(given, dict) or not required <= given.keys() <= names:
            raise UnusualError
        fields = dict(defaults)
        for name, value in given.items():
            out_name, read_field = reads[name]
            fields[out_name] = read_field(value)
        return kind.out_type(fields)

    return read


def _unusual(_given: object) -> Any:  # noqa: ANN401 - it never returns
    raise UnusualError
