"""Owns the schema put together from the declarations, and its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from graphene import Schema

from app.api.types.errors import ERROR_TYPES
from app.api.types.mutations import Mutation
from app.api.types.queries import Query

if TYPE_CHECKING:
    from graphql import GraphQLSchema

_DECLARED = Schema(query=Query, mutation=Mutation, types=list(ERROR_TYPES))
SCHEMA = cast("GraphQLSchema", _DECLARED.graphql_schema)


def schema_text() -> str:
    """The public API in GraphQL's schema language, as `schema/schema.graphql` holds it."""
    return str(_DECLARED).strip() + "\n"
