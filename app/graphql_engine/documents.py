"""Owns the documents that are prepared: what is known of each, and which are kept."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphql import DocumentNode, OperationDefinitionNode

    from app.graphql_engine.execution import Execute
    from app.graphql_engine.values import Coerce


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """A valid document, and its one operation."""

    document: DocumentNode
    operation: OperationDefinitionNode
    is_mutation: bool
    root_fields: frozenset[str]
    """The names of the operation's fields."""
    execute: Execute | None
    """None for what only graphql-core executes."""
    coerce_variable_values: Coerce
    weight: int
    """The memory it takes, in characters of a parsed document."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation with its variables."""

    prepared: PreparedDocument
    sent_variables: dict[str, Any]
    variable_values: dict[str, Any]
    """The same, coerced."""


class PreparedDocuments:
    """Keeps the documents that were asked for last, up to a number of characters. Threads may share it.

    Args:
        maximum_characters: of all together, by their weight.
    """

    def __init__(self, maximum_characters: int) -> None:
        self._maximum_characters = maximum_characters
        self._kept: OrderedDict[str, PreparedDocument] = OrderedDict()
        self._characters = 0
        self._lock = Lock()

    def get(self, text: str) -> PreparedDocument | None:
        """The document of this text, if it is kept."""
        with self._lock:
            found = self._kept.get(text)
            if found:
                self._kept.move_to_end(text)
            return found

    def keep(self, text: str, prepared: PreparedDocument) -> None:
        """Keep this document; those that were not asked for longest make room."""
        with self._lock:
            # Another thread may have prepared the same meanwhile.
            self._characters += 0 if text in self._kept else prepared.weight
            self._kept[text] = prepared
            while self._characters > self._maximum_characters:
                self._characters -= self._kept.popitem(last=False)[1].weight
