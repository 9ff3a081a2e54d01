"""Owns executing a document by functions made of it once: the plain road, on which every field has a value and nothing fails.

It is no second GraphQL. What it does not know, and whatever goes wrong, is an UnusualError: graphql-core then executes the same
document from its start and tells what happened as the specification says. So it is only for what may run twice; a mutation,
of which a document has one, is kept from it by `Context.outcome`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from graphene.types.resolver import dict_or_attr_resolver
from graphql import (
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    Visitor,
    default_field_resolver,
    visit,
)
from graphql.execution.collect_fields import collect_fields, collect_sub_fields
from graphql.execution.values import get_argument_values

from app.api.given import UnusualError, compile_variables
from app.api.limits import MAXIMUM_FIELDS

if TYPE_CHECKING:
    from graphql import DocumentNode, FieldNode, GraphQLField, GraphQLOutputType, GraphQLSchema, OperationDefinitionNode, SelectionSetNode

    from app.api.context import Context
    from app.api.given import ReadGiven

Read = Callable[[Any, "Info"], Any]
"""From the parent to a field's value as JSON; or from a value of ours to the same as JSON."""
Run = Callable[["Context", dict[str, Any]], dict[str, Any]]
"""From a context and the coerced variables to the answer's `data`. Raises: UnusualError, and whatever a resolver raises."""


class Compiled(NamedTuple):
    """A document as a function, what reads its variables, and how many fields it has."""

    run: Run
    read_variables: ReadGiven
    fields: int


class Selection(NamedTuple):
    """What is selected of a value as a function of it, and how many fields it has."""

    read: Read
    fields: int


class Info(NamedTuple):
    """What resolvers use of graphql-core's GraphQLResolveInfo."""

    context: Context
    variable_values: dict[str, Any]


def compile_document(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Compiled | None:
    """The valid document as a function; None for what only graphql-core knows."""
    root = schema.get_root_type(operation.operation)
    if root is None:
        return None
    selection = compile_selection(schema, document, root, operation.selection_set, has_variables=bool(operation.variable_definitions))
    if selection is None:
        return None
    read = selection.read
    return Compiled(lambda context, variables: read(None, Info(context, variables)), compile_variables(schema, operation), selection.fields)


def compile_selection(
    schema: GraphQLSchema, document: DocumentNode, parent: GraphQLObjectType, selection: SelectionSetNode, *, has_variables: bool
) -> Selection | None:
    """What the valid document selects of a value of this type, as a function of it; None for what only graphql-core knows.

    Args:
        has_variables: whether arguments below may be variables.
    """
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    try:
        visit(document, _NoDirectives())
        fields = collect_fields(schema, fragments, {}, parent, selection)
        compiler = _Compiler(schema, fragments, has_variables=has_variables)
        return Selection(compiler.object(parent, fields), compiler.fields)
    except (UnusualError, GraphQLError):
        return None


class _NoDirectives(Visitor):
    def enter_directive(self, *_: object) -> None:
        raise UnusualError


class _Compiler:
    def __init__(self, schema: GraphQLSchema, fragments: dict[str, FragmentDefinitionNode], *, has_variables: bool) -> None:
        self._schema = schema
        self._fragments = fragments
        self._has_variables = has_variables
        self.fields = 0
        """How many there are so far, with fragments written out wherever they are spread."""

    def object(self, parent: GraphQLObjectType, fields: dict[str, list[FieldNode]]) -> Read:
        """Source: the GraphQL specification of October 2021, section 6.3, Executing Selection Sets.

        What only reads may be worked out in any order: first what looks something up, for it may bring what others show.
        """
        in_order = sorted(fields, key=lambda key: not _looks_up(parent, fields[key][0]))
        reads = [(key, self._field(parent, fields[key])) for key in in_order]
        if in_order == list(fields):
            return lambda value, info: {key: read(value, info) for key, read in reads}

        def complete(value: object, info: Info) -> dict[str, Any]:
            completed = dict.fromkeys(fields)
            for key, read in reads:
                completed[key] = read(value, info)
            return completed

        return complete

    def _field(self, parent: GraphQLObjectType, nodes: list[FieldNode]) -> Read:
        """Source: section 6.4, Executing Fields."""
        self.fields += 1
        if self.fields > MAXIMUM_FIELDS:  # a fragment in a fragment in a fragment: few letters, and very many functions
            raise UnusualError
        name = nodes[0].name.value
        if name == "__typename":
            return lambda _value, _info: parent.name
        field = parent.fields.get(name)
        if field is None:  # the schema's questions about itself
            raise UnusualError(name)
        complete = self._nullable(field.type, nodes)
        attribute = _attribute_of(field)
        if attribute:
            return lambda value, info: complete(attribute(value), info)
        resolve: Callable[..., Any] = field.resolve or default_field_resolver
        if self._has_variables and nodes[0].arguments:
            return lambda value, info: complete(resolve(value, info, **get_argument_values(field, nodes[0], info.variable_values)), info)
        arguments = get_argument_values(field, nodes[0], {})
        return lambda value, info: complete(resolve(value, info, **arguments), info)

    def _nullable(self, kind: GraphQLOutputType, nodes: list[FieldNode]) -> Read:
        """Source: section 6.4.3, Value Completion."""
        if isinstance(kind, GraphQLNonNull):
            complete = self._completion(kind.of_type, nodes)

            def required(value: object, info: Info) -> object:
                completed = None if value is None else complete(value, info)
                if completed is None:
                    raise UnusualError
                return completed

            return required
        complete = self._completion(kind, nodes)
        return lambda value, info: None if value is None else complete(value, info)

    def _completion(self, kind: GraphQLOutputType, nodes: list[FieldNode]) -> Read:
        if isinstance(kind, GraphQLScalarType | GraphQLEnumType):
            # An enum's few values are looked up again and again.
            serialize = cache(kind.serialize) if isinstance(kind, GraphQLEnumType) else kind.serialize
            return lambda value, _info: serialize(value)
        if isinstance(kind, GraphQLList):
            item = self._nullable(kind.of_type, nodes)
            return lambda value, info: [item(each, info) for each in value]
        if isinstance(kind, GraphQLObjectType):
            return self.object(kind, collect_sub_fields(self._schema, self._fragments, {}, kind, nodes))
        return _none_of_them  # of an interface


def _attribute_of(field: GraphQLField) -> Callable[[object], Any] | None:
    """How to read a field that is an attribute of its parent and nothing more, as Graphene has it unless told otherwise."""
    resolve = field.resolve
    return attrgetter(resolve.args[0]) if isinstance(resolve, partial) and resolve.func is dict_or_attr_resolver else None


def _looks_up(parent: GraphQLObjectType, node: FieldNode) -> bool:
    field = parent.fields.get(node.name.value)
    return field is not None and _attribute_of(field) is None


def _none_of_them(_value: object, _info: Info) -> object:
    raise UnusualError
