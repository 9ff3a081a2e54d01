"""Owns what resolvers give in the random tests: the same each time for the same place in an answer, and some of it wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLString,
    StringValueNode,
    Undefined,
)

if TYPE_CHECKING:
    from graphql import ValueNode


def serialize_odd(value: object) -> Any:
    """Refuses what is no number in one way, and numbers in two others; gives what is nested in JSON."""
    if not isinstance(value, int):
        raise TypeError("this is not odd")
    return {1: [value, {"b": 1}], 3: None, 5: Undefined}.get(value, value)


def parse_odd(value: object) -> Any:
    """Reads digits, and refuses in both ways that there are."""
    if not isinstance(value, str):
        raise TypeError("send text")
    return ("odd", int(value)) if value.isdecimal() else Undefined


def parse_odd_literal(node: ValueNode, _variables: object = None) -> Any:
    """The same of a literal."""
    return parse_odd(node.value) if isinstance(node, StringValueNode) else Undefined


ODD = GraphQLScalarType("Odd", serialize=serialize_odd, parse_value=parse_odd, parse_literal=parse_odd_literal)
COLOUR = GraphQLEnumType("Colour", {"RED": "r", "GREEN": 2, "BLUE": ("b",)})
GOOD: dict[Any, tuple[Any, ...]] = {
    GraphQLInt: (0, -7, 2**31 - 1, True, 2.0, "12"),
    GraphQLFloat: (0.5, 3, -1e30, "1.5"),
    GraphQLString: ("", 'a "quote"', "%s\n\u2028é", 1, True, 0.5),
    GraphQLBoolean: (True, False, 1, 0.0),
    GraphQLID: ("x", 7, "%"),
    ODD: (1, 7, 0),
    COLOUR: ("r", 2, ("b",)),
}
SCALARS = tuple(GOOD)
BAD_LEAVES: tuple[Any, ...] = (
    None, Undefined, ValueError("returned"), "text", 2**40, 3, 5, [1], {"a": 1}, lambda *_, **__: "called", object(),
)
# Some stand for what is made each time: `iter` for what is read only once, names for a dictionary and for another type's object.
BAD_LISTS: tuple[Any, ...] = (None, "text", {"a": 1}, iter, {4: 5}.values(), Undefined, ValueError("returned"))
BAD_OBJECTS: tuple[Any, ...] = (None, ValueError("returned"), Undefined, {}, "Mapped", "Thing", lambda *_, **__: None)


@dataclass
class World:
    """The context of one execution.

    Args:
        seed: decides what each place gives.
        faults: how many of a hundred values are wrong.
        kinds: the types of each object's fields, by the names of their attributes.
        possible: the objects of each interface and union.
    """

    seed: int
    faults: int
    kinds: dict[str, dict[str, Any]]
    possible: dict[str, list[str]]
    changed: list[str] = field(default_factory=list)
    """The mutations that were done."""

    def value(self, kind: Any, place: str) -> Any:
        """What is there; None less often where that is allowed than elsewhere."""
        random = Random(f"{self.seed} {place}")  # noqa: S311 - the chance of a test
        is_wrong = random.randrange(100) < self.faults
        if is_wrong and random.random() < 0.1:
            raise KeyError(place)
        may_be_null = not isinstance(kind, GraphQLNonNull)
        kind = kind if may_be_null else kind.of_type
        if may_be_null and random.random() < 0.1:
            return None
        if isinstance(kind, GraphQLList):
            bad = random.choice(BAD_LISTS) if is_wrong else None
            items = [self.value(kind.of_type, f"{place}[{number}]") for number in range(random.randrange(4))]
            return iter(items) if bad is iter else bad if is_wrong else tuple(items) if random.random() < 0.2 else items
        if kind in GOOD:
            return random.choice(BAD_LEAVES if is_wrong else GOOD[kind])
        name = random.choice(self.possible.get(kind.name, [kind.name]))
        bad = random.choice(BAD_OBJECTS) if is_wrong else "Thing"
        if is_wrong and bad == "Thing":
            name = random.choice([*self.kinds])
        return {"Mapped": Mapped, "Thing": Thing}[bad](self, name, place) if isinstance(bad, str) else bad


class Thing:
    """An object whose attributes are what the world gives."""

    def __init__(self, world: World, name: str, place: str) -> None:
        self.world, self.object_name, self.place = world, name, place

    def __getattr__(self, attribute: str) -> Any:
        kinds = self.world.kinds[self.object_name]
        if attribute not in kinds:
            raise AttributeError(attribute)
        return self.world.value(kinds[attribute], f"{self.place}.{attribute}")


class Mapped(dict[str, Any]):
    """The same as a dictionary."""

    def __init__(self, world: World, name: str, place: str) -> None:
        super().__init__()
        self.world, self.object_name, self.place = world, name, place

    def get(self, key: str, default: Any = None) -> Any:
        kinds = self.world.kinds[self.object_name]
        return self.world.value(kinds[key], f"{self.place}.{key}") if key in kinds else default
