"""Owns documents made at random for a schema, and variables for them: most fit, and some do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    Undefined,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
)

if TYPE_CHECKING:
    from random import Random

    from tests.graphql_engine.schemas import RandomSchema

LITERALS = {"Int": ("1", "-3"), "Float": ("1.5", "2"), "String": ('"s"', '""'), "Boolean": ("true", "false"), "ID": ('"i"', "4"),
            "Odd": ('"12"', '"7"')}
SENT: dict[str, tuple[Any, ...]] = {"Int": (1, -3, 2.0), "Float": (1.5, 2), "String": ("s", ""), "Boolean": (True, False),
                                    "ID": ("i", 4), "Odd": ("12", "7")}
WRONG: tuple[Any, ...] = (None, None, "xy", 1.5, 2**40, True, [], [1], {}, {"in0": 1}, [[1]], [None])
DEEPEST = 4


class RandomDocument:
    """A document's text, and its variables as they are sent.

    Args:
        random: decides everything.
        is_plain: whether it has only what the engine compiles, and its variables fit.
        faults: how many of a hundred values are wrong that its variables have.
    """

    def __init__(self, random: Random, schema: RandomSchema, *, is_plain: bool, faults: int = 0) -> None:
        self._random = random
        self._schema = schema.schema
        self._is_plain = is_plain
        self._faults = faults
        self._has_directives = not is_plain and random.random() < 0.2
        self._aliases = 0
        self._definitions: list[str] = []
        self._fragments: list[str] = []
        self.variables: dict[str, Any] = {}
        is_mutation = random.random() < 0.3
        root: Any = self._schema.mutation_type if is_mutation else self._schema.query_type
        selections = self._mutation(root) if is_mutation else self._selections(root, 0)
        variables = f"({', '.join(self._definitions)})" if self._definitions else ""
        self.text = f"{'mutation' if is_mutation else 'query'} Q{variables} {selections} {' '.join(self._fragments)}"

    def _mutation(self, root: GraphQLObjectType) -> str:
        name = self._random.choice([*root.fields])
        return f"{{ {self._typename()} {self._field(root, name, 0)} }}"

    def _typename(self) -> str:
        return self._random.choice(["", "__typename", "t: __typename"])

    def _selections(self, parent: Any, depth: int) -> str:
        """Some of its fields: some twice, some in fragments, some under a condition."""
        parts = ["__typename" if self._random.random() < 0.5 else f"a{self._alias()}: __typename"]
        for _ in range(self._random.randrange(1, 5)):
            where: Any = parent
            condition = ""
            if not isinstance(parent, GraphQLObjectType) and self._random.random() < 0.8:
                where = self._random.choice([*self._schema.get_possible_types(parent), parent])
                condition = where.name
            names = [] if isinstance(where, GraphQLUnionType) else [
                name for name, field in where.fields.items() if depth < DEEPEST or not is_composite_type(get_named_type(field.type))]
            selected = self._field(where, self._random.choice(names), depth) if names else "__typename"
            parts += [self._placed(selected, where.name, condition)] * self._random.choice([1, 1, 1, 2])
        self._random.shuffle(parts)
        return "{ " + " ".join(parts) + " }"

    def _placed(self, selected: str, on: str, condition: str) -> str:
        way = self._random.randrange(4)
        if way == 0:
            name = f"F{len(self._fragments)}"
            self._fragments.append(f"fragment {name} on {on} {{ {selected} }}")
            return f"...{name} {self._directive()}"
        if condition or way == 1:
            return f"... {f'on {on}' if condition or self._random.random() < 0.5 else ''} {self._directive()} {{ {selected} }}"
        return selected

    def _directive(self) -> str:
        if not self._has_directives or self._random.random() < 0.8:
            return ""
        condition = self._value(GraphQLNonNull(GraphQLBoolean), Undefined)
        return f"@{self._random.choice(['skip', 'include'])}(if: {condition})"

    def _alias(self) -> int:
        self._aliases += 1
        return self._aliases

    def _field(self, parent: Any, name: str, depth: int) -> str:
        field = parent.fields[name]
        arguments = []
        for key, argument in field.args.items():
            if is_required_argument(argument) or self._random.random() < 0.6:
                arguments.append(f"{key}: {self._value(argument.type, argument.default_value)}")
        kind: Any = get_named_type(field.type)
        alias = f"a{self._alias()}: " if arguments or self._random.random() < 0.3 else ""
        given = f"({', '.join(arguments)})" if arguments else ""
        below = self._selections(kind, depth + 1) if is_composite_type(kind) else ""
        return f"{alias}{name}{given} {self._directive()} {below}"

    def _value(self, kind: Any, default: Any) -> str:
        """A literal, or a variable."""
        if self._random.random() < 0.4:
            return self._variable(kind, default)
        if isinstance(kind, GraphQLNonNull):
            return self._literal(kind.of_type)
        return "null" if self._random.random() < 0.1 else self._literal(kind)

    def _literal(self, kind: Any) -> str:
        if isinstance(kind, GraphQLList):
            return "[" + ", ".join(self._value(kind.of_type, Undefined) for _ in range(self._random.randrange(3))) + "]"
        if isinstance(kind, GraphQLInputObjectType):
            fields = [f"{name}: {self._value(field.type, field.default_value)}" for name, field in kind.fields.items()
                      if is_required_input_field(field) or self._random.random() < 0.6]
            return "{" + ", ".join(fields) + "}"
        return self._random.choice([*kind.values] if isinstance(kind, GraphQLEnumType) else LITERALS[kind.name])

    def _is_sent(self, field: Any) -> bool:
        return (is_required_input_field(field) and not self._is_wrong()) or self._random.random() < 0.6

    def _variable(self, kind: Any, default: Any) -> str:
        """A variable of this type; where the place has a default of its own, perhaps one that may be null."""
        name = f"v{len(self._definitions)}"
        if isinstance(kind, GraphQLNonNull) and default is not Undefined and not self._is_plain and self._random.random() < 0.8:
            kind = kind.of_type
        of_type = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        has_default = not self._is_plain and self._random.random() < 0.2
        constant = f" = {self._constant(of_type)}" if has_default else ""
        self._definitions.append(f"${name}: {kind}{constant}")
        is_required = isinstance(kind, GraphQLNonNull)
        if self._random.random() < 0.7 or (is_required and not self._is_wrong()):
            self.variables[name] = self._sent(kind)
        return f"${name}"

    def _constant(self, kind: Any) -> str:
        """A literal that has no variables."""
        if isinstance(kind, GraphQLList):
            return "[]"
        if isinstance(kind, GraphQLInputObjectType):
            fields = [f"{name}: {self._constant(get_nullable_type(field.type))}" for name, field in kind.fields.items()
                      if is_required_input_field(field)]
            return "{" + ", ".join(fields) + "}"
        return self._literal(kind)

    def _is_wrong(self) -> bool:
        return self._random.randrange(100) < self._faults

    def _sent(self, kind: Any) -> Any:
        if self._is_wrong():
            return self._random.choice(WRONG)
        if isinstance(kind, GraphQLNonNull):
            kind = kind.of_type
        elif self._random.random() < 0.2:
            return None
        if isinstance(kind, GraphQLList):
            return [self._sent(kind.of_type) for _ in range(self._random.randrange(3))]
        if isinstance(kind, GraphQLInputObjectType):
            others = {"other": 1} if self._is_wrong() else {}
            return {name: self._sent(field.type) for name, field in kind.fields.items() if self._is_sent(field)} | others
        return self._random.choice([*kind.values] if isinstance(kind, GraphQLEnumType) else SENT[kind.name])

