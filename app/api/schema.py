"""Owns the schema put together from the declarations, its text, and the engines that execute its documents."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

from graphene import Schema
from sqlalchemy.exc import SQLAlchemyError

from app.api.calls import RequestFailedError
from app.api.limits import LIMITS
from app.api.types.errors import ERROR_TYPES
from app.api.types.mutations import Mutation
from app.api.types.queries import Query
from app.graphql_engine import Engine

if TYPE_CHECKING:
    from graphql import GraphQLSchema

_DECLARED = Schema(query=Query, mutation=Mutation, types=list(ERROR_TYPES))
SCHEMA = cast("GraphQLSchema", _DECLARED.graphql_schema)


@cache
def engine_in(environment: str) -> Engine:
    """What executes documents. In development, the schema may be asked about itself."""
    return Engine(SCHEMA, LIMITS, open_schema=environment == "development", fatal=(SQLAlchemyError, RequestFailedError))


def schema_text() -> str:
    """The public API in GraphQL's schema language, as `schema/schema.graphql` holds it."""
    return str(_DECLARED).strip() + "\n"
