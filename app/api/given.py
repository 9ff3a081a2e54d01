"""Owns reading the variables and arguments of a document by functions made of their types once: on the plain road, where all of them fit.

Whatever does not fit is an UnusualError: graphql-core then reads the same and tells what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    Undefined,
    VariableNode,
    Visitor,
    type_from_ast,
    visit,
)
from graphql.execution.values import get_argument_values

if TYPE_CHECKING:
    from graphql import GraphQLSchema, Node, OperationDefinitionNode

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


def compile_arguments(field: GraphQLField, node: FieldNode) -> ReadGiven:
    """The arguments of a field as a function of the variables, as the schema read them.

    Source: the GraphQL specification of October 2021, section 6.4.1, Coercing Field Arguments.
    """
    names = {each.name.value: each.value.name.value for each in node.arguments if isinstance(each.value, VariableNode)}
    rest = tuple(each for each in node.arguments if each.name.value not in names)
    if any(_has_variable(each) for each in rest):
        return lambda variables: get_argument_values(field, node, variables)
    others = GraphQLField(field.type, args={name: each for name, each in field.args.items() if name not in names})
    fixed = get_argument_values(others, FieldNode(name=node.name, arguments=rest), {})
    of_variables = [(names[name], each.out_name or name, each.default_value, isinstance(each.type, GraphQLNonNull))
                    for name, each in field.args.items() if name in names]

    def read(variables: dict[str, Any]) -> dict[str, Any]:
        arguments = dict(fixed)
        for variable, out_name, default, required in of_variables:
            value = variables.get(variable, default)
            if required and (value is None or value is Undefined):
                raise UnusualError
            if value is not Undefined:
                arguments[out_name] = value
        return arguments

    return read


def _has_variable(node: Node) -> bool:
    found: list[Node] = []

    class Find(Visitor):
        def enter_variable(self, variable: VariableNode, *_: object) -> None:
            found.append(variable)

    visit(node, Find())
    return bool(found)


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
