"""Owns the two ways in which the engine does not answer: the request is refused, or graphql-core has to execute it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import GraphQLError


class RequestErrorCode(StrEnum):
    """Why a request is not executed."""

    BAD_REQUEST = "BAD_REQUEST"
    INVALID_QUERY = "INVALID_QUERY"
    QUERY_TOO_LARGE = "QUERY_TOO_LARGE"
    INVALID_VARIABLES = "INVALID_VARIABLES"


class RequestError(Exception):
    """The request is not executed. Source: section 7.1.2, Errors, "Request errors".

    Args:
        code: for a program to branch on.
        errors: all that is wrong.
    """

    def __init__(self, code: RequestErrorCode, errors: Sequence[GraphQLError]) -> None:
        self.code = code
        self.errors = errors
        super().__init__(f"{code}: {errors[0].message}")


class FallbackRequiredError(Exception):
    """The compiled functions do not know this case. graphql-core executes the document from its start."""


def fall_back() -> NoReturn:
    """Leave it to graphql-core. Raises: FallbackRequiredError."""
    raise FallbackRequiredError
