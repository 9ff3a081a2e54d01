"""Owns the way from a query's text to a document that may be executed: parsed, within the limits, valid; and keeps it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

from graphql import (
    GraphQLError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
    validate,
)

from app.api.compiled import compile_document
from app.api.failures import BAD_REQUEST, RequestCode, RequestRefusedError
from app.api.limits import (
    CHARACTERS_A_COMPILED_FIELD,
    MAXIMUM_CACHED_CHARACTERS,
    MAXIMUM_COMMENTS,
    MAXIMUM_ERRORS_SHOWN,
    MAXIMUM_TOKENS,
    check_size,
)

if TYPE_CHECKING:
    from typing import Self

    from graphql import DocumentNode, GraphQLSchema

    from app.api.compiled import Compiled


# A document has one mutation.
SENT_ON_EVENT_LOOP: Final = "sendPayment"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that may be executed, and its one operation."""

    document: DocumentNode
    operation: OperationDefinitionNode
    name: str | None
    """The operation's name, if it has one."""
    mutates: bool
    """Whether it may change anything."""
    compiled: Compiled | None
    """The document as functions, unless it has something that only graphql-core knows."""
    runs_on_event_loop: bool
    """Whether it computes little, and each statement of it is a whole: a query, or a payment, which is a single statement."""

    @classmethod
    def of(cls, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Self:
        """A document that is valid."""
        mutates = operation.operation is OperationType.MUTATION
        compiled = compile_document(schema, document, operation)
        is_light = compiled is not None and (not mutates or SENT_ON_EVENT_LOOP in compiled.root_fields)
        return cls(document, operation, operation.name.value if operation.name else None, mutates, compiled, is_light)

    def is_named(self, name: str | None) -> bool:
        """Whether a request that names its operation so means this one."""
        return name in (None, "", self.name)


class Documents:
    """Prepares documents, and keeps those that are valid: parsing and validating costs far more than executing.

    Args:
        schema: what queries are valid against.
        open_schema: whether the schema may be asked about itself, and its names be suggested.
    """

    def __init__(self, schema: GraphQLSchema, *, open_schema: bool) -> None:
        self._schema = schema
        self._open_schema = open_schema
        self._rules = [*specified_rules] if open_schema else [*specified_rules, NoSchemaIntrospectionCustomRule]
        self._kept: OrderedDict[str, Prepared] = OrderedDict()
        self._kept_characters = 0
        self._lock = Lock()

    def kept(self, text: str) -> Prepared | None:
        """The document of this text, if it was prepared before."""
        with self._lock:
            found = self._kept.get(text)
            if found:
                self._kept.move_to_end(text)
            return found

    def prepare(self, text: str) -> Prepared:
        """The document of this text. Raises: RequestRefusedError with everything that is wrong with it."""
        found = self.kept(text)
        if found is None:
            found = self._make(text)
            self._keep(text, found)
        return found

    def _make(self, text: str) -> Prepared:
        try:
            document = parse(text, max_lexical_tokens=MAXIMUM_TOKENS, max_comments=MAXIMUM_COMMENTS)
        except GraphQLError as error:
            raise RequestRefusedError(BAD_REQUEST, RequestCode.INVALID_QUERY, [error]) from None
        too_large = check_size(document)
        if too_large:
            raise RequestRefusedError(BAD_REQUEST, RequestCode.QUERY_TOO_LARGE, too_large)
        errors = validate(
            self._schema, document, self._rules, max_errors=MAXIMUM_ERRORS_SHOWN, hide_suggestions=not self._open_schema,
        )
        if errors:
            raise RequestRefusedError(BAD_REQUEST, RequestCode.INVALID_QUERY, errors)
        operation = next(each for each in document.definitions if isinstance(each, OperationDefinitionNode))
        if self._schema.get_root_type(operation.operation) is None:
            message = "Send a query or a mutation; there are no subscriptions."
            raise RequestRefusedError(BAD_REQUEST, RequestCode.INVALID_QUERY, [message])
        return Prepared.of(self._schema, document, operation)

    def _keep(self, text: str, made: Prepared) -> None:
        with self._lock:
            # Another thread may have made the same meanwhile.
            self._kept_characters += 0 if text in self._kept else _weight(text, made)
            self._kept[text] = made
            while self._kept_characters > MAXIMUM_CACHED_CHARACTERS:
                self._kept_characters -= _weight(*self._kept.popitem(last=False))


def _weight(text: str, made: Prepared) -> int:
    """The memory it takes, in characters of a parsed document."""
    return len(text) + CHARACTERS_A_COMPILED_FIELD * (made.compiled.fields if made.compiled else 0)
