"""Owns a page of a list as GraphQL clients expect it: nodes, edges with cursors, what follows, and how many there are in all.

Source: the GraphQL Cursor Connections Specification (Relay).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.api.context import Context

Node = TypeVar("Node")


@dataclass(frozen=True, slots=True)
class Edge(Generic[Node]):
    """One item and its place in the list."""

    cursor: str
    node: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class PageInfo:
    """Where this page begins and ends, and whether there are others."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection(Generic[Node]):
    """A page of a list. What is not asked for is not worked out: counting may cost a walk through the list."""

    nodes: list[Node]
    """The items without their cursors."""
    cursor: Callable[[Node], str]
    """An item's place in the list."""
    has_next_page: bool
    has_previous_page: bool
    count: Callable[[], int]

    @property
    def edges(self) -> list[Edge[Node]]:
        """The items, each with its place."""
        return [Edge(self.cursor(node), node) for node in self.nodes]

    @property
    def page_info(self) -> PageInfo:
        """Where this page begins and ends."""
        return PageInfo(
            has_next_page=self.has_next_page,
            has_previous_page=self.has_previous_page,
            start_cursor=self.cursor(self.nodes[0]) if self.nodes else None,
            end_cursor=self.cursor(self.nodes[-1]) if self.nodes else None,
        )


def count_of(connection: Connection[Any], _: Context) -> int:
    """How many items the whole list has."""
    return connection.count()
