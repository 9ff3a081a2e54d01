"""Owns how large a document may be. It is measured before it is validated, whose work grows with what is limited here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    NullValueNode,
    OperationDefinitionNode,
    OperationType,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from graphql import DocumentNode, SelectionSetNode


class Items(NamedTuple):
    """How many items a list has: as its argument says, or at most so many."""

    most: int
    argument: str = ""
    default: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a document may be, with its fragments written out wherever they are spread."""

    tokens: int
    comments: int
    """Comments are no tokens, but each is kept by the parser."""
    depth: int
    aliases: int
    directives: int
    fields: int
    """And spreads, of the text as it stands; and compiled fields, with fragments written out."""
    values: int
    """What an answer may hold."""
    errors: int
    """How many are told of a document, or of its variables."""
    kept_characters: int
    """Of all prepared documents together."""
    lists: Mapping[str, Items] = field(default_factory=dict)
    """By the field's name; any other field counts as one."""
    walks: Mapping[str, str] = field(default_factory=dict)
    """Fields that walk through many rows, and the argument that makes them do so; none where they always do."""
    values_of_a_walk: int = 0


@dataclass(frozen=True, slots=True)
class Size:
    """How much a selection asks for, with the fragments it spreads written out."""

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    values: int = 0

    def beside(self, other: Size) -> Size:
        """Both selections of one parent."""
        return Size(
            max(self.depth, other.depth), self.aliases + other.aliases, self.directives + other.directives, self.values + other.values,
        )


class Measure:
    """Measures a parsed document; each fragment once, so that fragments of fragments cost no more than their text."""

    def __init__(self, document: DocumentNode, limits: Limits) -> None:
        self._limits = limits
        self._fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
        self._operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
        self._sizes: dict[str, Size] = {}
        self._field_count = 0
        for name in self._fragments:  # also one that is nowhere spread: validation reads it too
            self._size_of_fragment(name)
        self.size = Size()
        """Of the first operation."""
        self.root_fields: list[FieldNode] = []
        """Of the same. `__typename` does nothing, so it does not count."""
        for each in self._operations[:1]:
            self.size = self._size_of(each.selection_set).beside(Size(directives=len(each.directives)))
            self.root_fields += self._root_fields(each.selection_set)

    def errors(self) -> list[GraphQLError]:
        """Which limits the document breaks."""
        if len(self._operations) != 1:
            return [GraphQLError(f"Send exactly one operation in a request; this document has {len(self._operations)}.")]
        limits, size, (operation,) = self._limits, self.size, self._operations
        errors = [
            GraphQLError(f"The query has {found} {what}; at most {limit} are allowed.")
            for found, limit, what in (
                (size.depth, limits.depth, "levels of fields"),
                (size.aliases, limits.aliases, "aliases"),
                (size.directives, limits.directives, "directives"),
                (self._field_count, limits.fields, "fields and spreads"),
                (size.values, limits.values, "values to answer"),
            )
            if found > limit
        ]
        keys = {(each.alias or each.name).value for each in self.root_fields}
        if operation.operation is OperationType.MUTATION and len(keys) > 1:
            errors.append(GraphQLError("A mutation does one thing: send one root field in a request.", operation))
        return errors

    def _size_of(self, selections: SelectionSetNode | None) -> Size:
        """The size of a selection set; of none, nothing."""
        total = Size()
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                size = self._size_of_field(node)
            elif isinstance(node, InlineFragmentNode):
                self._field_count += 1
                size = self._size_of(node.selection_set)
            else:
                self._field_count += 1
                size = self._size_of_fragment(node.name.value) if isinstance(node, FragmentSpreadNode) else Size()
            total = total.beside(size).beside(Size(directives=len(node.directives)))
        return total

    def _root_fields(self, selections: SelectionSetNode, seen: frozenset[str] = frozenset()) -> Iterable[FieldNode]:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                yield from () if _is_meta(node) else (node,)
            elif isinstance(node, InlineFragmentNode):
                yield from self._root_fields(node.selection_set, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value in self._fragments.keys() - seen:
                yield from self._root_fields(self._fragments[node.name.value].selection_set, seen | {node.name.value})

    def _size_of_field(self, node: FieldNode) -> Size:
        self._field_count += 1
        inner = self._size_of(node.selection_set)
        # Introspection is deep by its nature; where it is off, validation refuses it whole.
        depth = 0 if _is_meta(node) else inner.depth + 1
        values = 1 + self._walk(node) + self._items(node) * inner.values
        return Size(depth, inner.aliases + bool(node.alias), inner.directives, values)

    def _size_of_fragment(self, name: str) -> Size:
        if name not in self._sizes:
            # Stands for itself while it is measured: a fragment that spreads itself ends here, and validation names it.
            self._sizes[name] = Size()
            fragment = self._fragments.get(name)
            self._sizes[name] = self._size_of(fragment.selection_set) if fragment else Size()
        return self._sizes[name]

    def _items(self, node: FieldNode) -> int:
        """How often what is selected of this field is answered, at most: of a variable nothing is known yet."""
        items = self._limits.lists.get(node.name.value)
        if items is None:
            return 1
        given = next((each.value for each in node.arguments if each.name.value == items.argument), None)
        if items.argument and (given is None or isinstance(given, NullValueNode)):
            return items.default
        return min(items.most, max(1, int(given.value))) if isinstance(given, IntValueNode) else items.most

    def _walk(self, node: FieldNode) -> int:
        argument = self._limits.walks.get(node.name.value)
        walks = argument == "" or any(each.name.value == argument for each in node.arguments)
        return self._limits.values_of_a_walk if walks else 0


def _is_meta(node: FieldNode) -> bool:
    return node.name.value.startswith("__")
