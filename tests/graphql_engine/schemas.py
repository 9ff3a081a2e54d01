"""Owns schemas made at random: objects, interfaces, unions, lists, enums, scalars and inputs, with every kind of resolver."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from graphene.types.field import source_resolver
from graphene.types.resolver import dict_or_attr_resolver
from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    GraphQLUnionType,
    Undefined,
    is_required_input_field,
)

from tests.graphql_engine.worlds import GOOD, SCALARS

if TYPE_CHECKING:
    from random import Random

    from graphql import GraphQLResolveInfo

    from tests.graphql_engine.worlds import World

# Of a dictionary's own attributes: a field may have such a name.
NAMES = ("items", "keys", "name", "copy")


class RandomSchema:
    """A schema, and what a world has to know of it.

    Args:
        random: decides everything.
        is_plain: whether it has only what the engine compiles.
    """

    def __init__(self, random: Random, *, is_plain: bool) -> None:
        self._random = random
        self._is_plain = is_plain
        self.kinds: dict[str, dict[str, Any]] = {}
        self.possible: dict[str, list[str]] = {}
        self._inputs: list[Any] = [*SCALARS]
        for name in ("Inner", "Outer"):
            self._inputs.append(self._input(name))
        common = {"shared": self._wrapped(random.choice(SCALARS)), "node": None}
        self._node = GraphQLInterfaceType("Node", lambda: self._shared(common), resolve_type=lambda value, *_: value.object_name)
        self._objects = [self._object(name, common) for name in ("Alpha", "Beta", "Gamma")]
        self._either = GraphQLUnionType("Either", self._objects[:2], resolve_type=lambda value, *_: value.object_name)
        self._outputs: list[Any] = [*SCALARS, *self._objects] + ([] if is_plain else [self._node, self._either])
        self.possible.update(Node=["Alpha", "Beta", "Gamma"], Either=["Alpha", "Beta"])
        query, mutation = self._root("Query"), self._root("Mutation")
        self.schema = GraphQLSchema(query, mutation, types=self._objects)

    def _wrapped(self, kind: Any) -> Any:
        """The same, or a list of it, each perhaps never null."""
        kind = GraphQLNonNull(kind) if self._random.random() < 0.3 else kind
        if self._random.random() < 0.3:
            kind = GraphQLList(kind)
            kind = GraphQLNonNull(kind) if self._random.random() < 0.3 else kind
        return kind

    def _input(self, name: str) -> GraphQLInputObjectType:
        fields = {}
        for number in range(self._random.randint(1, 3)):
            kind = self._wrapped(self._random.choice(self._inputs))
            out_name = f"out{number}" if self._random.random() < 0.3 else None
            fields[f"in{number}"] = GraphQLInputField(kind, default_value=self._default(kind), out_name=out_name)
        has_itself = not self._is_plain and self._random.random() < 0.2
        out_type = (lambda value: {"made": sorted(value)}) if self._random.random() < 0.3 else None
        made = GraphQLInputObjectType(name, lambda: fields | ({"again": GraphQLInputField(GraphQLList(made))} if has_itself else {}),
                                      out_type=out_type)
        return made

    def _default(self, kind: Any) -> Any:
        """A default value as it is inside the program, or none."""
        if self._random.random() < 0.5:
            return Undefined
        if isinstance(kind, GraphQLNonNull):
            return self._default(kind.of_type)
        if isinstance(kind, GraphQLList):
            return []
        if isinstance(kind, GraphQLInputObjectType) and not self._is_plain:
            may_be_empty = not any(is_required_input_field(field) for field in kind.fields.values())
            return {} if may_be_empty else Undefined
        return self._random.choice(GOOD[kind]) if kind in GOOD else Undefined

    def _shared(self, common: dict[str, Any]) -> dict[str, GraphQLField]:
        return {"shared": GraphQLField(common["shared"]), "node": GraphQLField(self._node)}

    def _object(self, name: str, common: dict[str, Any]) -> GraphQLObjectType:
        is_type_of = None
        if not self._is_plain and self._random.random() < 0.4:
            is_type_of = lambda value, _info: getattr(value, "object_name", None) == name  # noqa: E731 - it is one of two

        def fields() -> dict[str, GraphQLField]:
            made = {} if self._is_plain else self._shared(common)
            for number, attribute in enumerate(self._random.sample(NAMES, self._random.randint(1, 4))):
                made[f"{name.lower()}{number}"] = self._field(self._wrapped(self._random.choice(self._outputs)), attribute)
            for key, field in made.items():
                self.kinds.setdefault(name, {})[getattr(field.resolve, "args", (key,))[0]] = field.type
                self.kinds[name][key] = field.type
            return made

        return GraphQLObjectType(name, fields, interfaces=[] if self._is_plain else [self._node], is_type_of=is_type_of)

    def _field(self, kind: Any, attribute: str) -> GraphQLField:
        way, arguments = self._random.randrange(6), self._arguments()
        if way == 0:
            return GraphQLField(kind, resolve=partial(dict_or_attr_resolver, attribute, None))
        if way == 1:
            return GraphQLField(kind, resolve=partial(source_resolver, attribute))
        if way == 2:
            return GraphQLField(kind)
        if way == 3 and not self._is_plain:
            return GraphQLField(kind, arguments, resolve=partial(dict_or_attr_resolver, attribute, None))
        return GraphQLField(kind, arguments, resolve=resolver_of(kind, changes=False))

    def _arguments(self) -> dict[str, GraphQLArgument]:
        made = {}
        for number in range(self._random.randrange(4)):
            kind = self._wrapped(self._random.choice(self._inputs))
            out_name = f"given{number}" if self._random.random() < 0.3 else None
            made[f"arg{number}"] = GraphQLArgument(kind, default_value=self._default(kind), out_name=out_name)
        return made

    def _root(self, name: str) -> GraphQLObjectType:
        kinds = [self._wrapped(self._random.choice(self._outputs)) for _ in range(2)] + [self._random.choice(self._objects), GraphQLString]
        return GraphQLObjectType(name, {
            f"{name.lower()}{number}": GraphQLField(kind, self._arguments(), resolve=resolver_of(kind, changes=name == "Mutation"))
            for number, kind in enumerate(kinds)
        })


def resolver_of(kind: Any, *, changes: bool) -> Any:
    """Gives what the world has at this place; of text, what the arguments were."""

    def resolve(parent: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        world: World = info.context
        place = f"{getattr(parent, 'place', '')}.{sorted(arguments.items())!r}"
        if changes:
            world.changed.append(place)
        return place if kind is GraphQLString else world.value(kind, f"{place} {kind}")

    return resolve
