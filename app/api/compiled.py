"""Owns executing a document by functions made of it once: the plain road, on which every field has a value and nothing fails.

They write the answer's JSON at once, without dictionaries between. It is no second GraphQL. What it does not know, and whatever
goes wrong, is an UnusualError: graphql-core then executes the same document from its start and tells what happened as the
specification says. So it is only for what may run twice; a mutation, of which a document has one, is kept from it by
`Context.outcome`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from json.encoder import JSONEncoder, encode_basestring
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from graphene.types.field import source_resolver
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

from app.api.given import UnusualError, compile_arguments, compile_variables
from app.api.limits import MAXIMUM_FIELDS

if TYPE_CHECKING:
    from graphql import (
        DocumentNode,
        FieldNode,
        GraphQLField,
        GraphQLLeafType,
        GraphQLOutputType,
        GraphQLSchema,
        OperationDefinitionNode,
    )

    from app.api.context import Context
    from app.api.given import ReadGiven

Read = Callable[[Any, "Info"], str]
"""From the parent to a field's value as JSON text; or from a value of ours to the same."""
Run = Callable[["Context", dict[str, Any]], str]
"""From a context and the coerced variables to the answer's `data`, as JSON. Raises: UnusualError, and whatever a resolver raises."""

ENCODE: Final = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Compiled(NamedTuple):
    """A document as a function, what reads its variables, how many fields it has, and the names of its root fields."""

    run: Run
    read_variables: ReadGiven
    fields: int
    root_fields: frozenset[str]


class Info(NamedTuple):
    """What resolvers use of graphql-core's GraphQLResolveInfo."""

    context: Context
    variable_values: dict[str, Any]


def compile_document(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Compiled | None:
    """The valid document as a function; None for what only graphql-core knows."""
    root = schema.get_root_type(operation.operation)
    if root is None:
        return None
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    try:
        visit(document, _NoDirectives())
        fields = collect_fields(schema, fragments, {}, root, operation.selection_set)
        compiler = _Compiler(schema, fragments)
        read = compiler.object(root, fields)
    except (UnusualError, GraphQLError):
        return None
    return Compiled(
        lambda context, variables: read(None, Info(context, variables)), compile_variables(schema, operation), compiler.fields,
        frozenset(nodes[0].name.value for nodes in fields.values()),
    )


class _NoDirectives(Visitor):
    def enter_directive(self, *_: object) -> None:
        raise UnusualError


class _Compiler:
    def __init__(self, schema: GraphQLSchema, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self._schema = schema
        self._fragments = fragments
        self.fields = 0
        """How many there are so far, with fragments written out wherever they are spread."""

    def object(self, parent: GraphQLObjectType, fields: dict[str, list[FieldNode]]) -> Read:
        """Source: the GraphQL specification of October 2021, section 6.3, Executing Selection Sets.

        What only reads may be worked out in any order: first what looks something up, for it may bring what others show.
        """
        # A name of GraphQL's has letters, digits and _ alone: nothing to be escaped. Source: section 2.1.9, Names.
        text = "{" + ",".join(f'"{key}":%s' for key in fields) + "}"
        reads = [self._field(parent, nodes) for nodes in fields.values()]
        if len(reads) == 1:
            (only,) = reads
            return lambda value, info: text % only(value, info)
        first = [_looks_up(parent, nodes[0]) for nodes in fields.values()]
        if sorted(first, reverse=True) == first:
            return lambda value, info: text % tuple([read(value, info) for read in reads])
        places = sorted(range(len(reads)), key=lambda place: not first[place])
        in_order = [(place, reads[place]) for place in places]

        def complete(value: object, info: Info) -> str:
            texts = [""] * len(reads)
            for place, read in in_order:
                texts[place] = read(value, info)
            return text % tuple(texts)

        return complete

    def _field(self, parent: GraphQLObjectType, nodes: list[FieldNode]) -> Read:
        """Source: section 6.4, Executing Fields."""
        self.fields += 1
        if self.fields > MAXIMUM_FIELDS:  # a fragment in a fragment in a fragment: few letters, and very many functions
            raise UnusualError
        name = nodes[0].name.value
        if name == "__typename":
            return lambda _value, _info: f'"{parent.name}"'
        field = parent.fields.get(name)
        if field is None:  # the schema's questions about itself
            raise UnusualError(name)
        attribute = _attribute_of(field)
        complete = self._nullable(field.type, nodes)
        if attribute and isinstance(_without_non_null(field.type), GraphQLScalarType | GraphQLEnumType):
            return _leaf(field.type, attribute)  # most fields by far: in one step
        if attribute:
            return lambda value, info: complete(attribute(value), info)
        resolve: Callable[..., Any] = field.resolve or default_field_resolver
        read_arguments = compile_arguments(field, nodes[0])
        return lambda value, info: complete(resolve(value, info, **read_arguments(info.variable_values)), info)

    def _nullable(self, kind: GraphQLOutputType, nodes: list[FieldNode]) -> Read:
        """Source: section 6.4.3, Value Completion."""
        of_type = _without_non_null(kind)
        if isinstance(of_type, GraphQLScalarType | GraphQLEnumType):
            return _leaf(kind, _itself)
        complete = self._completion(of_type, nodes)
        if of_type is kind:
            return lambda value, info: "null" if value is None else complete(value, info)

        def required(value: object, info: Info) -> str:
            if value is None:
                raise UnusualError
            return complete(value, info)

        return required

    def _completion(self, kind: GraphQLOutputType, nodes: list[FieldNode]) -> Read:
        if isinstance(kind, GraphQLList):
            item = self._nullable(kind.of_type, nodes)
            return lambda value, info: "[" + ",".join([item(each, info) for each in value]) + "]"
        if isinstance(kind, GraphQLObjectType):
            return self.object(kind, collect_sub_fields(self._schema, self._fragments, {}, kind, nodes))
        return _none_of_them  # of an interface


def _leaf(kind: GraphQLOutputType, get: Callable[[Any], Any]) -> Read:
    """From a parent, by way of `get`, to the JSON text of a scalar or an enum."""
    of_type = cast("GraphQLLeafType", _without_non_null(kind))
    # An enum's few values are asked for again and again.
    serialize = cache(of_type.serialize) if isinstance(of_type, GraphQLEnumType) else of_type.serialize
    may_be_null = of_type is kind

    def read(parent: object, _info: Info) -> str:
        value = get(parent)
        completed = None if value is None else serialize(value)
        if type(completed) is str:
            return encode_basestring(completed)
        if completed is not None:
            return ENCODE(completed)
        if may_be_null and value is None:
            return "null"
        raise UnusualError

    return read


def _without_non_null(kind: GraphQLOutputType) -> GraphQLOutputType:
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


def _itself(value: object) -> object:
    return value


def _attribute_of(field: GraphQLField) -> Callable[[object], Any] | None:
    """How to read a field that is an attribute of its parent and nothing more, as Graphene has it unless told otherwise."""
    resolve = field.resolve
    is_plain = isinstance(resolve, partial) and resolve.func in {dict_or_attr_resolver, source_resolver}
    return attrgetter(cast("partial[Any]", resolve).args[0]) if is_plain else None


def _looks_up(parent: GraphQLObjectType, node: FieldNode) -> bool:
    field = parent.fields.get(node.name.value)
    return field is not None and _attribute_of(field) is None


def _none_of_them(_value: object, _info: Info) -> str:
    raise UnusualError
