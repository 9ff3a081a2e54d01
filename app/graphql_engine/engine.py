"""Owns the way from a query's text to the answer's `data`: parse, measure, validate, compile, coerce, execute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from graphql import (
    GraphQLError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    execute_sync,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.values import get_variable_values

from app.graphql_engine.documents import Operation, PreparedDocument, PreparedDocuments
from app.graphql_engine.errors import RequestError, RequestErrorCode
from app.graphql_engine.execution import ResolveInfo, RootResults, compile_operation, encode_json
from app.graphql_engine.limits import Measure
from app.graphql_engine.values import compile_variable_values

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from graphql import GraphQLSchema

    from app.graphql_engine.limits import Limits

# What a compiled field takes beside the parsed document.
CHARACTERS_A_COMPILED_FIELD: Final = 10


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """What an operation gave. Source: section 7.1, Response Format."""

    data: str | None
    """As JSON; None where it is null."""
    errors: Sequence[GraphQLError]


class Engine:
    """Executes the documents of one schema. Threads may share it.

    Args:
        schema: its resolvers are synchronous.
        limits: how large a document may be.
        open_schema: whether the schema may be asked about itself, and its names be suggested.
        fatal: what a resolver raises to end the whole request; `execute` raises the same.
    """

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, open_schema: bool, fatal: tuple[type[Exception], ...] = ()) -> None:
        self._schema = schema
        self._limits = limits
        self._hide_suggestions = not open_schema
        self._rules = [*specified_rules] if open_schema else [*specified_rules, NoSchemaIntrospectionCustomRule]
        self._fatal = fatal
        self._documents = PreparedDocuments(limits.kept_characters)

    def kept(self, text: str) -> PreparedDocument | None:
        """The document of this text, if it was prepared before. It takes no time."""
        return self._documents.get(text)

    def prepare(self, text: str) -> PreparedDocument:
        """The document of this text. Raises: RequestError with everything that is wrong with it."""
        prepared = self._documents.get(text)
        if prepared is None:
            prepared = self._prepare(text)
            self._documents.keep(text, prepared)
        return prepared

    def operation(self, prepared: PreparedDocument, variables: dict[str, Any], name: str | None = None) -> Operation:
        """The operation with its variables. Source: sections 6.1, Executing Requests, and 6.1.2, Coercing Variable Values.

        Raises: RequestError for variables that do not fit, and for a name that is another operation's.
        """
        named = prepared.operation.name
        if name and (named is None or name != named.value):
            message = "`operationName` is not the name of the operation in the query."
            raise RequestError(RequestErrorCode.BAD_REQUEST, [GraphQLError(message)])
        try:
            return Operation(prepared, variables, prepared.coerce_variable_values(variables))
        except Exception:  # noqa: BLE001 - whatever it is, graphql-core meets it again, and tells it
            return Operation(prepared, variables, self._coerce_by_graphql_core(prepared, variables))

    def execute(self, operation: Operation, context: object, *, settle: Callable[[], object] = lambda: None) -> ExecutionResult:
        """Execute by the compiled functions; what they do not know, by graphql-core from the start. A mutation changes nothing twice.

        Args:
            context: what resolvers get as `info.context`.
            settle: called where the functions have ended, whose answer is given up if it raises; and before graphql-core begins.

        Raises: RequestError for variables that do not fit directives; what is fatal, and what `settle` raises before graphql-core begins.
        """
        execute, results = operation.prepared.execute, RootResults()
        if execute is None:
            return self._execute_by_graphql_core(operation, context, settle, None)
        try:
            data = execute(None, ResolveInfo(context, operation.variable_values, results))
            settle()
            return ExecutionResult(data, ())
        except self._fatal:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, graphql-core meets it again, and tells it
            return self._execute_by_graphql_core(operation, context, settle, results if operation.prepared.is_mutation else None)

    def _coerce_by_graphql_core(self, prepared: PreparedDocument, variables: dict[str, Any]) -> dict[str, Any]:
        coerced = get_variable_values(
            self._schema, prepared.operation.variable_definitions, variables, max_errors=self._limits.errors,
            hide_suggestions=self._hide_suggestions,
        )
        if isinstance(coerced, list):
            raise RequestError(RequestErrorCode.INVALID_VARIABLES, coerced)
        return coerced

    def _execute_by_graphql_core(
        self, operation: Operation, context: object, settle: Callable[[], object], results: RootResults | None
    ) -> ExecutionResult:
        settle()
        result = execute_sync(
            self._schema, operation.prepared.document, context_value=context, variable_values=operation.sent_variables,
            middleware=[results] if results else None,
            max_coercion_errors=self._limits.errors, hide_suggestions=self._hide_suggestions,
        )
        errors = result.errors or ()
        if errors and all(error.path is None for error in errors):  # no field's: a variable does not fit a directive
            raise RequestError(RequestErrorCode.INVALID_VARIABLES, errors)
        for error in errors:
            if isinstance(error.original_error, self._fatal):
                raise error.original_error
        return ExecutionResult(None if result.data is None else encode_json(result.data), errors)

    def _prepare(self, text: str) -> PreparedDocument:
        """Source: sections 2, Language, and 5, Validation."""
        limits = self._limits
        try:
            document = parse(text, max_lexical_tokens=limits.tokens, max_comments=limits.comments)
        except GraphQLError as error:
            raise RequestError(RequestErrorCode.INVALID_QUERY, [error]) from None
        measure = Measure(document, limits)
        too_large = measure.errors()
        if too_large:
            raise RequestError(RequestErrorCode.QUERY_TOO_LARGE, too_large)
        errors = validate(self._schema, document, self._rules, max_errors=limits.errors, hide_suggestions=self._hide_suggestions)
        if errors:
            raise RequestError(RequestErrorCode.INVALID_QUERY, errors)
        operation = next(each for each in document.definitions if isinstance(each, OperationDefinitionNode))
        if operation.operation is OperationType.SUBSCRIPTION or self._schema.get_root_type(operation.operation) is None:
            message = "Send a query or a mutation; there are no subscriptions."
            raise RequestError(RequestErrorCode.INVALID_QUERY, [GraphQLError(message)])
        execute, fields = None, 0
        if measure.size.directives == 0:
            execute, fields = compile_operation(self._schema, document, operation, maximum_fields=limits.fields)
        return PreparedDocument(
            document=document,
            operation=operation,
            is_mutation=operation.operation is OperationType.MUTATION,
            root_fields=frozenset(each.name.value for each in measure.root_fields),
            execute=execute,
            coerce_variable_values=compile_variable_values(self._schema, operation),
            weight=len(text) + CHARACTERS_A_COMPILED_FIELD * fields,
        )
