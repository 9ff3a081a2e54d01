"""Owns the API's scalars. Their inputs pass as they were sent, so that a mutation can tell a wrong one as data."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from graphene import Scalar
from graphql import ValueNode, value_from_ast_untyped


class GivenAsSent:
    """What all of them do: a value passes unread, whatever its kind. The core's functions read it, and refuse it in words."""

    @staticmethod
    def serialize(value: object) -> str:
        """The text of a value of ours."""
        return str(value)

    @staticmethod
    def parse_value(value: object) -> object:
        """A value from the variables."""
        return value

    @staticmethod
    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> object:
        """A value from the query's text."""
        return value_from_ast_untyped(node, variables)


class Amount(GivenAsSent, Scalar):
    """An exact decimal as a string, in the deployment's currency: "12.50". Never a JSON number. White space at its ends is left out."""


class UUID(GivenAsSent, Scalar):
    """RFC 9562 UUID as a string. White space at its ends is left out."""


class Username(GivenAsSent, Scalar):
    """A handle: 3 to 32 of a-z, 0-9, _ and -, starting with a letter.

    White space at its ends and one @ before it are left out; case is folded.
    """


class DateTime(GivenAsSent, Scalar):
    """RFC 3339 date and time with its offset, as a string: "2026-11-22T18:30:00Z", from 1970 to 9999, with at most 9 digits of a fraction.

    What is finer than a microsecond is cut off. White space at its ends is left out. Answers are in UTC.
    """

    @staticmethod
    def serialize(value: object) -> str:
        """In UTC, to the microsecond."""
        moment = cast("datetime", value)
        return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
