"""Owns the execution of GraphQL documents: parsing, limits, validation, and execution by compiled functions. Knows nothing of wallets."""

from app.graphql_engine.documents import Operation, PreparedDocument
from app.graphql_engine.engine import Engine, ExecutionResult
from app.graphql_engine.errors import RequestError, RequestErrorCode
from app.graphql_engine.limits import Items, Limits
