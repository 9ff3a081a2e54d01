"""Owns the coercion of variables and arguments, by functions that are made once of their types.

They know only values that fit. For any other value they raise an exception: graphql-core then coerces the same value and tells what is
wrong. Sections are those of the GraphQL specification of October 2021.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    VariableNode,
    type_from_ast,
)
from graphql.execution.values import get_argument_values

from app.graphql_engine.errors import FallbackRequiredError, fall_back

if TYPE_CHECKING:
    from graphql import GraphQLSchema, OperationDefinitionNode

Coerce = Callable[[Any], Any]
"""From what was sent to what a resolver is given. Raises: FallbackRequiredError, and what a scalar's `parse_value` raises."""

# Stands where a default value would, for what has to be sent.
_REQUIRED: Final = object()


def compile_variable_values(schema: GraphQLSchema, operation: OperationDefinitionNode) -> Coerce:
    """Make CoerceVariableValues of a valid operation. Source: section 6.1.2, Coercing Variable Values."""
    variables = []
    for definition in operation.variable_definitions or ():
        kind = cast("GraphQLInputType", type_from_ast(schema, definition.type))
        try:
            coerce_one = _compile_input(kind) if definition.default_value is None else None
        except FallbackRequiredError:
            coerce_one = None
        if coerce_one is None:
            return lambda _sent: fall_back()
        variables.append((definition.variable.name.value, isinstance(kind, GraphQLNonNull), coerce_one))

    def coerce_variable_values(sent: dict[str, Any]) -> dict[str, Any]:
        coerced = {}
        for name, is_required, coerce in variables:
            if name in sent:
                coerced[name] = coerce(sent[name])
            elif is_required:
                raise FallbackRequiredError
        return coerced

    return coerce_variable_values


def compile_argument_values(field: GraphQLField, node: FieldNode) -> Coerce:
    """Make CoerceArgumentValues of a field: a function of the coerced variables. Source: section 6.4.1, Coercing Field Arguments."""
    if any(isinstance(each.value, ListValueNode | ObjectValueNode) for each in node.arguments):
        # It may have variables in it, and a resolver may change a list: it is made anew each time.
        return lambda variables: get_argument_values(field, node, variables)
    names = {each.name.value: each.value.name.value for each in node.arguments if isinstance(each.value, VariableNode)}
    others = GraphQLField(field.type, args={name: each for name, each in field.args.items() if name not in names})
    literals = tuple(each for each in node.arguments if each.name.value not in names)
    constant = get_argument_values(others, FieldNode(name=node.name, arguments=literals), {})
    of_variables = []
    for name, argument in field.args.items():
        if name in names:
            is_required = isinstance(argument.type, GraphQLNonNull)
            of_variables.append((names[name], argument.out_name or name, _default_of(argument), is_required))

    def coerce_argument_values(variables: dict[str, Any]) -> dict[str, Any]:
        coerced = dict(constant)
        for variable, out_name, default, is_required in of_variables:
            value = variables.get(variable, default)
            if value is _REQUIRED or (is_required and value is None):
                raise FallbackRequiredError
            if value is not Undefined:
                coerced[out_name] = value
        return coerced

    return coerce_argument_values


def _default_of(argument: Any) -> object:  # noqa: ANN401 - of an argument or an input field, which have no type in common
    """The default value; `_REQUIRED` for what must be sent, Undefined for what may be left out."""
    if argument.default_value is not Undefined:
        # A default of an input object has the names of GraphQL still.
        return _REQUIRED if isinstance(argument.type, GraphQLInputObjectType) else argument.default_value
    return _REQUIRED if isinstance(argument.type, GraphQLNonNull) else Undefined


def _compile_input(kind: GraphQLInputType, within: tuple[GraphQLInputObjectType, ...] = ()) -> Coerce:
    """Make the input coercion of a type. Source: sections 3.5 Scalars, 3.9 Enums, 3.10 Input Objects, 3.11 List, 3.12 Non-Null."""
    if isinstance(kind, GraphQLNonNull):
        coerce = _compile_input(kind.of_type, within)
        return lambda value: fall_back() if value is None else coerce(value)
    if isinstance(kind, GraphQLList):
        coerce_item = _compile_input(kind.of_type, within)
        return lambda value: None if value is None else [coerce_item(each) for each in value] if type(value) is list else fall_back()
    if isinstance(kind, GraphQLInputObjectType):
        return _compile_input_object(kind, within)
    return _compile_leaf(cast("GraphQLScalarType | GraphQLEnumType", kind))


def _compile_leaf(kind: GraphQLScalarType | GraphQLEnumType) -> Coerce:
    """Source: sections 3.5, Scalars, and 3.9, Enums. Values that are nested are left to graphql-core: it has a limit on their depth."""
    parse_value: Coerce = kind.parse_value

    def coerce(value: object) -> object:
        if value is None:
            return None
        parsed = parse_value(value) if isinstance(value, str | int | float) else Undefined
        if parsed is Undefined:
            raise FallbackRequiredError
        return parsed

    return coerce


def _compile_input_object(kind: GraphQLInputObjectType, within: tuple[GraphQLInputObjectType, ...]) -> Coerce:
    """Source: section 3.10, Input Objects."""
    if kind.is_one_of or kind in within:  # a type that contains itself has no end
        raise FallbackRequiredError
    names = kind.fields.keys()
    fields = []
    for name, field in kind.fields.items():
        default = field.default_value
        absent = _REQUIRED if default is Undefined and isinstance(field.type, GraphQLNonNull) else default
        fields.append((name, field.out_name or name, absent, _compile_input(field.type, (*within, kind))))

    def coerce(value: object) -> object:
        if value is None:
            return None
        if not isinstance(value, dict) or not value.keys() <= names:
            raise FallbackRequiredError
        coerced = {}
        for name, out_name, absent, coerce_field in fields:
            if name in value:
                coerced[out_name] = coerce_field(value[name])
            elif absent is _REQUIRED:
                raise FallbackRequiredError
            elif absent is not Undefined:
                coerced[out_name] = absent
        return kind.out_type(coerced)

    return coerce
