"""Owns how large a GraphQL request may be. Every limit is checked before the work that it bounds, and each has a name here.

SECURITY.md says under "What is defended, and by what" what they are for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

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

    from app.http import Facts

MAXIMUM_BODY_BYTES: Final = 10 * 1024
# Of `sendPayments` alone: 10,000 payments with the longest handles and memos of 200 letters. Its query has the limits of any other.
MAXIMUM_PAYMENTS_BODY_BYTES: Final = 4 * 1024 * 1024
MAXIMUM_TOKENS: Final = 1000
# Comments are no tokens, but each is kept by the parser.
MAXIMUM_COMMENTS: Final = 100
MAXIMUM_DEPTH: Final = 8
MAXIMUM_ALIASES: Final = 15
MAXIMUM_DIRECTIVES: Final = 5
# Validation compares the fields of a document with each other, and what it spreads: 1,000 took a third of a second, 150 take 20 ms.
MAXIMUM_FIELDS: Final = 150
# What an answer may hold. Where graphql-core works it out, each value takes 14 µs: 55 ms in all, and 90 on a busy machine.
# A page of 100 payments with all they have is two thirds of it.
MAXIMUM_VALUES: Final = 4000
# What walks through a history, or through all people, costs PostgreSQL as much as these.
VALUES_OF_A_WALK: Final = 1000
# What all `refunds` and `refundOf` of an answer hold together, however often the same; they are looked up for a list at once.
MAXIMUM_RELATED: Final = 100
MAXIMUM_ERRORS_SHOWN: Final = 20
DEFAULT_PAGE_SIZE: Final = 20
"""Asked for when `first` is absent or null; the core refuses what is not 1 to 100."""
DEFAULT_BALANCE_DAYS: Final = 30
# Parsed, a document takes up to 190 bytes a character: 40 MB at worst. Clients send a handful of documents over and over.
MAXIMUM_CACHED_CHARACTERS: Final = 200_000
# What a field takes beside that as a function.
CHARACTERS_A_COMPILED_FIELD: Final = 10


class Items(NamedTuple):
    """How many items a list has: as its argument says, or at most so many."""

    most: int
    argument: str = ""
    default: int = 0


LISTS: Final[Mapping[str, Items]] = {
    "users": Items(100, "first", DEFAULT_PAGE_SIZE),
    "payments": Items(100, "first", DEFAULT_PAGE_SIZE),
    "balanceHistory": Items(366, "days", DEFAULT_BALANCE_DAYS),
    "logins": Items(100),
    "apiTokens": Items(50),
}
WALKS: Final[Mapping[str, str]] = {"users": "search", "payments": "filter", "ledgerHealth": ""}
"""What walks through many rows, and the argument that makes it do so; none where it always does."""


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


def maximum_body_bytes(facts: Facts) -> int:
    """How much of a request's body is read: who shows no sign of being signed in sends no payments, so no large body either."""
    return MAXIMUM_PAYMENTS_BODY_BYTES if facts.authorization or facts.login_token else MAXIMUM_BODY_BYTES


def takes_large_body(operation: OperationDefinitionNode) -> bool:
    """Whether this is `sendPayments`, the one that may have MAXIMUM_PAYMENTS_BODY_BYTES."""
    fields = operation.selection_set.selections
    return operation.operation is OperationType.MUTATION and any(
        isinstance(each, FieldNode) and each.name.value == "sendPayments" for each in fields
    )


def check_size(document: DocumentNode) -> list[GraphQLError]:
    """Which limits the parsed document breaks. Called before validation, whose work grows with what is limited here."""
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if len(operations) != 1:
        return [GraphQLError(f"Send exactly one operation in a request; this document has {len(operations)}.")]
    operation = operations[0]
    measure = Measure(each for each in document.definitions if isinstance(each, FragmentDefinitionNode))
    measure.visit_fragments()
    size = measure.size_of(operation.selection_set)
    directives = size.directives + len(operation.directives)
    errors = [
        GraphQLError(f"The query has {found} {what}; at most {limit} are allowed.")
        for found, limit, what in (
            (size.depth, MAXIMUM_DEPTH, "levels of fields"),
            (size.aliases, MAXIMUM_ALIASES, "aliases"),
            (directives, MAXIMUM_DIRECTIVES, "directives"),
            (measure.field_count, MAXIMUM_FIELDS, "fields and spreads"),
            (size.values, MAXIMUM_VALUES, "values to answer"),
        )
        if found > limit
    ]
    if operation.operation is OperationType.MUTATION and len(measure.root_names(operation.selection_set)) > 1:
        errors.append(GraphQLError("A mutation does one thing: send one root field in a request.", operation))
    return errors


class Measure:
    """Measures selections; each fragment once, so that fragments of fragments cost no more than their text."""

    def __init__(self, fragments: Iterable[FragmentDefinitionNode]) -> None:
        self._fragments = {each.name.value: each for each in fragments}
        self._sizes: dict[str, Size] = {}
        self.field_count = 0
        """Of the text as it stands, spreads included, and each fragment once."""

    def visit_fragments(self) -> None:
        """Measure every fragment, also one that is nowhere spread: validation reads it too."""
        for name in self._fragments:
            self._size_of_fragment(name)

    def size_of(self, selections: SelectionSetNode | None) -> Size:
        """The size of a selection set; of none, nothing."""
        total = Size()
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                size = self._size_of_field(node)
            elif isinstance(node, InlineFragmentNode):
                self.field_count += 1
                size = self.size_of(node.selection_set)
            else:
                self.field_count += 1
                size = self._size_of_fragment(node.name.value) if isinstance(node, FragmentSpreadNode) else Size()
            total = total.beside(size).beside(Size(directives=len(node.directives)))
        return total

    def root_names(self, selections: SelectionSetNode, seen: frozenset[str] = frozenset()) -> set[str]:
        """The names under which the root fields answer. `__typename` does nothing, so it does not count."""
        names: set[str] = set()
        for node in selections.selections:
            if isinstance(node, FieldNode):
                names |= {node.alias.value if node.alias else node.name.value} if not _is_meta(node) else set()
            elif isinstance(node, InlineFragmentNode):
                names |= self.root_names(node.selection_set, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value in self._fragments.keys() - seen:
                fragment = self._fragments[node.name.value]
                names |= self.root_names(fragment.selection_set, seen | {node.name.value})
        return names

    def _size_of_field(self, node: FieldNode) -> Size:
        self.field_count += 1
        inner = self.size_of(node.selection_set)
        # Introspection is deep by its nature; where it is off, validation refuses it whole.
        depth = 0 if _is_meta(node) else inner.depth + 1
        values = 1 + _walk(node) + _items(node) * inner.values
        return Size(depth, inner.aliases + bool(node.alias), inner.directives, values)

    def _size_of_fragment(self, name: str) -> Size:
        if name not in self._sizes:
            # Stands for itself while it is measured: a fragment that spreads itself ends here, and validation names it.
            self._sizes[name] = Size()
            fragment = self._fragments.get(name)
            self._sizes[name] = self.size_of(fragment.selection_set) if fragment else Size()
        return self._sizes[name]


def _items(node: FieldNode) -> int:
    """How often what is selected of this field is answered, at most: of a variable nothing is known yet."""
    items = LISTS.get(node.name.value)
    if items is None:
        return 1
    given = next((each.value for each in node.arguments if each.name.value == items.argument), None)
    if items.argument and (given is None or isinstance(given, NullValueNode)):
        return items.default
    return min(items.most, max(1, int(given.value))) if isinstance(given, IntValueNode) else items.most


def _walk(node: FieldNode) -> int:
    argument = WALKS.get(node.name.value)
    walks = argument == "" or any(each.name.value == argument for each in node.arguments)
    return VALUES_OF_A_WALK if walks else 0


def _is_meta(node: FieldNode) -> bool:
    return node.name.value.startswith("__")
