"""Owns the execution of an operation by functions that are made of it once: one for each selection set, field and value.

They write the answer's `data` as JSON text at once. They know only values that complete without an error. For all else they raise an
exception: graphql-core then executes the document from its start. Sections are those of the GraphQL specification of October 2021.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    OperationType,
)
from graphql.execution.collect_fields import collect_fields, collect_sub_fields

from app.graphql_engine.errors import FallbackRequiredError, fall_back
from app.graphql_engine.values import compile_argument_values

if TYPE_CHECKING:
    from graphql import (
        DocumentNode,
        FieldNode,
        GraphQLField,
        GraphQLLeafType,
        GraphQLOutputType,
        GraphQLResolveInfo,
        GraphQLSchema,
        OperationDefinitionNode,
    )

Execute = Callable[[Any, "ResolveInfo"], str]
"""From a field's parent, or from a resolved value, to the completed value as JSON text."""

encode_json: Final = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class RootResults:
    """What each root field of one mutation gave or raised, by its response key. Source: section 6.2.2, Mutation."""

    def __init__(self) -> None:
        self._values: dict[str, object] = {}
        self._failures: dict[str, Exception] = {}

    def once(self, key: str, resolve: Callable[[], object]) -> object:
        """The field's value. Only the first call resolves it; what it raised, any other raises again."""
        if key in self._failures:
            raise self._failures[key]
        if key not in self._values:
            try:
                self._values[key] = resolve()
            except Exception as failure:
                self._failures[key] = failure
                raise
        return self._values[key]

    def resolve(self, resolve: Callable[..., object], source: object, info: GraphQLResolveInfo, **arguments: Any) -> object:  # noqa: ANN401 - a resolver types its own
        """As graphql-core's middleware: called in place of each resolver."""
        if info.path.prev is None:
            return self.once(str(info.path.key), partial(resolve, source, info, **arguments))
        return resolve(source, info, **arguments)


class ResolveInfo(NamedTuple):
    """What resolvers get of graphql-core's GraphQLResolveInfo. Another attribute of it is an AttributeError, so a fallback."""

    context: Any
    variable_values: dict[str, Any]
    root_results: RootResults
    """Of a mutation."""


def compile_operation(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, *, maximum_fields: int
) -> tuple[Execute | None, int]:
    """The operation of a valid document without directives as a function, and how many fields it has. Source: section 6.2.

    None stands for what only graphql-core knows.
    """
    root = cast("GraphQLObjectType", schema.get_root_type(operation.operation))
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    compiler = _Compiler(schema, fragments, maximum_fields)
    try:
        fields = collect_fields(schema, fragments, {}, root, operation.selection_set)
        execute = compiler.selection_set(root, fields, is_mutation=operation.operation is OperationType.MUTATION)
    except (FallbackRequiredError, GraphQLError, RecursionError):
        return None, 0
    return execute, compiler.fields


class _Compiler:
    def __init__(self, schema: GraphQLSchema, fragments: dict[str, FragmentDefinitionNode], maximum_fields: int) -> None:
        self._schema = schema
        self._fragments = fragments
        self._maximum_fields = maximum_fields
        self._plain_types: set[type] = set()
        self.fields = 0

    def selection_set(self, parent: GraphQLObjectType, fields: dict[str, list[FieldNode]], *, is_mutation: bool = False) -> Execute:
        """Source: section 6.3, Executing Selection Sets.

        Fields of one parent may be executed in any order, but those of a mutation. First come those with resolvers: what they look up
        may be what others show.
        """
        # A name of GraphQL's has letters, digits and _ alone: nothing has to be escaped. Source: section 2.1.9, Names.
        text = "{" + ",".join(f'"{key}":%s' for key in fields) + "}"
        executed = [self._field(parent, nodes, key if is_mutation else None) for key, nodes in fields.items()]
        if len(executed) == 1:
            (only,) = executed
            return lambda parent, info: text % only(parent, info)
        has_resolver = [_has_resolver(parent, nodes[0]) for nodes in fields.values()]
        if is_mutation or sorted(has_resolver, reverse=True) == has_resolver:
            return lambda parent, info: text % tuple([execute_field(parent, info) for execute_field in executed])
        in_order = [(place, executed[place]) for place in sorted(range(len(executed)), key=lambda place: not has_resolver[place])]

        def execute_selection_set(parent: object, info: ResolveInfo) -> str:
            texts = [""] * len(in_order)
            for place, execute_field in in_order:
                texts[place] = execute_field(parent, info)
            return text % tuple(texts)

        return execute_selection_set

    def _field(self, parent: GraphQLObjectType, nodes: list[FieldNode], root_key: str | None) -> Execute:
        """Source: section 6.4, Executing Fields."""
        self.fields += 1
        if self.fields > self._maximum_fields:  # a fragment in a fragment in a fragment: few letters, and very many functions
            raise FallbackRequiredError
        name = nodes[0].name.value
        if name == "__typename":
            return lambda _parent, _info: f'"{parent.name}"'
        field = parent.fields.get(name)
        if field is None:  # introspection
            raise FallbackRequiredError
        get = _attribute_of(field, name)
        if get and isinstance(_nullable(field.type), GraphQLScalarType | GraphQLEnumType):
            return self._leaf(field.type, get)  # most fields by far: in one step
        complete_value = self._value(field.type, nodes)
        if get:
            return lambda parent, info: complete_value(get(parent), info)
        if field.resolve is None:  # an attribute with arguments
            raise FallbackRequiredError
        resolve: Callable[..., Any] = field.resolve
        coerce = compile_argument_values(field, nodes[0])
        if root_key is None:
            return lambda parent, info: complete_value(resolve(parent, info, **coerce(info.variable_values)), info)

        def execute_root_field(parent: object, info: ResolveInfo) -> str:
            arguments = coerce(info.variable_values)
            return complete_value(info.root_results.once(root_key, lambda: resolve(parent, info, **arguments)), info)

        return execute_root_field

    def _value(self, kind: GraphQLOutputType, nodes: list[FieldNode]) -> Execute:
        """Source: section 6.4.3, Value Completion."""
        of_type = _nullable(kind)
        if isinstance(of_type, GraphQLScalarType | GraphQLEnumType):
            return self._leaf(kind, _itself)
        complete = self._list_or_object(of_type, nodes)
        may_be_null, plain_types, expect_plain = of_type is kind, self._plain_types, self._expect_plain

        def complete_value(value: object, info: ResolveInfo) -> str:
            if type(value) not in plain_types:
                if value is None:
                    return "null" if may_be_null else fall_back()
                expect_plain(value)
            return complete(value, info)

        return complete_value

    def _list_or_object(self, kind: GraphQLOutputType, nodes: list[FieldNode]) -> Execute:
        if isinstance(kind, GraphQLList):
            complete_item = self._value(kind.of_type, nodes)
            # What can be read only once is left to graphql-core unread.
            return lambda value, info: (
                "[" + ",".join([complete_item(each, info) for each in value]) + "]" if isinstance(value, (list, tuple)) else fall_back())
        if not isinstance(kind, GraphQLObjectType):  # section 6.4.3, ResolveAbstractType
            return lambda _value, _info: fall_back()
        if kind.is_type_of:
            raise FallbackRequiredError
        return self.selection_set(kind, collect_sub_fields(self._schema, self._fragments, {}, kind, nodes))

    def _leaf(self, kind: GraphQLOutputType, get: Callable[[Any], Any]) -> Execute:
        """From a parent, by way of `get`, to a scalar or an enum. Source: sections 3.5, Scalars, and 3.9, Enums, Result Coercion."""
        of_type = cast("GraphQLLeafType", _nullable(kind))
        # An enum's few values are asked for again and again.
        serialize = cache(of_type.serialize) if isinstance(of_type, GraphQLEnumType) else of_type.serialize
        may_be_null, plain_types, expect_plain = of_type is kind, self._plain_types, self._expect_plain
        keeps_text = of_type.name in ("String", "ID")  # sections 3.5.3 and 3.5.5

        def complete_leaf_value(parent: object, _info: ResolveInfo) -> str:
            value = get(parent)
            kind = type(value)
            if kind is str and keeps_text:
                return encode_basestring(value)
            if kind not in plain_types:
                if value is None:
                    return "null" if may_be_null else fall_back()
                expect_plain(value)
            completed = serialize(value)
            if type(completed) is str:
                return encode_basestring(completed)
            return encode_json(completed) if completed is not None else fall_back()

        return complete_leaf_value

    def _expect_plain(self, value: object) -> None:
        """What graphql-core has a rule of its own for is left to it: errors as values, Undefined among them, mappings, and functions."""
        if isinstance(value, Exception | Mapping) or callable(value):
            raise FallbackRequiredError
        self._plain_types.add(type(value))


def _nullable(kind: GraphQLOutputType) -> GraphQLOutputType:
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


def _itself(value: object) -> object:
    return value


def _attribute_of(field: GraphQLField, name: str) -> Callable[[object], Any] | None:
    """How to read a field that is an attribute of its parent and nothing more, as Graphene and graphql-core have it unless told otherwise.

    Source: section 6.4.2, Value Resolution.
    """
    resolve = field.resolve
    if isinstance(resolve, partial) and resolve.func in {dict_or_attr_resolver, source_resolver}:
        name = resolve.args[0]
    elif resolve is not None:
        return None
    return None if field.args or not name.isidentifier() else attrgetter(name)


def _has_resolver(parent: GraphQLObjectType, node: FieldNode) -> bool:
    name = node.name.value
    return name in parent.fields and _attribute_of(parent.fields[name], name) is None
