"""Owns top-level errors: a request that is wrong in itself, a refused query, and a bug, of which nothing but its id is shown."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError

from app.errors import InvalidAmountError, InvalidUsernameError, UnauthenticatedError, WalletError
from app.http import error_id_of, log_failure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.http import RequestContext


BAD_REQUEST: Final = 400
SERVER_ERROR: Final = 500


class RequestCode(StrEnum):
    """`extensions.code` of what is not a UserError's: the developer's own mistakes, and ours."""

    BAD_REQUEST = "BAD_REQUEST"
    INVALID_QUERY = "INVALID_QUERY"
    INVALID_VARIABLES = "INVALID_VARIABLES"
    QUERY_TOO_LARGE = "QUERY_TOO_LARGE"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    INTERNAL = "INTERNAL"


class RequestRefusedError(Exception):
    """The request cannot be executed, by the developer's own making; all that is wrong with it is listed.

    Args:
        status: the HTTP status.
        code: for a program to branch on.
        errors: sentences, or GraphQL's own errors with their places in the query.
        headers: further ones of the answer.
    """

    def __init__(
        self, status: int, code: RequestCode, errors: Sequence[GraphQLError | str], headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.code = code
        self.errors = [each if isinstance(each, GraphQLError) else GraphQLError(each) for each in errors]
        self.headers = dict(headers or {})
        super().__init__(f"{code}: {self.errors[0].message}")


# At the end of graphql-core's sentence on a variable, before its reason.
PLACE_IN_VARIABLE: Final = re.compile(r" at '[^']*'$")
# Where GraphQL's own rules refuse a null or a missing value, before a resolver could tell it as data: at least with the same code.
WANTED_TYPE: Final = re.compile(r"(?:type|Expected value of type) '(Amount|Username)!'")
CODE_OF_TYPE: Final[Mapping[str, type[WalletError]]] = {"Amount": InvalidAmountError, "Username": InvalidUsernameError}


def request_errors(refused: RequestRefusedError) -> list[dict[str, Any]]:
    """The errors of a request that was not executed, as the answer lists them."""
    found = []
    for error in refused.errors:
        message, code = _without_value(error), refused.code.value
        wanted = WANTED_TYPE.search(message)
        if wanted:
            kind = CODE_OF_TYPE[wanted.group(1)]
            message, code = f"{kind.default_message} ({message})", kind.code
        found.append({**error.formatted, "message": message, "extensions": {"code": code}})
    return found


def _without_value(error: GraphQLError) -> str:
    """The message, without the whole variable that graphql-core repeats in it, a password in there too."""
    head, found, _ = error.message.partition(" got invalid value ")
    reason = error.original_error
    if not found or not isinstance(reason, GraphQLError):
        return error.message
    place = PLACE_IN_VARIABLE.search(error.message.removesuffix(f"; {reason.message}"))
    return f"{head}{place.group() if place else ''}: {reason.message.replace('None.', 'null.')}"


def execution_errors(errors: Sequence[GraphQLError], request_context: RequestContext) -> list[dict[str, Any]]:
    """The errors of an execution, as the answer lists them: what was not foreseen is masked.

    All but the developer's own mistakes goes to the log; what is wrong with many fields alike, once.
    """
    causes = {repr(cause): cause for cause in (error.original_error or error for error in errors if not is_developers_mistake(error))}
    for cause in causes.values():
        log_failure(cause, request_context)
    return [{**error.formatted, **_shown(error, request_context)} for error in errors]


def _shown(error: GraphQLError, request_context: RequestContext) -> dict[str, Any]:
    if isinstance(error.original_error, WalletError):
        return told(error.original_error)
    return {"extensions": {"code": RequestCode.INVALID_VARIABLES.value}} if is_developers_mistake(error) else masked(request_context)


def is_developers_mistake(error: GraphQLError) -> bool:
    """Whether GraphQL itself refused a value that the request gave to an argument; its message then holds nothing of ours."""
    raised = error.original_error or error
    return isinstance(raised, GraphQLError) and bool(raised.nodes) and raised.message.startswith("Argument ")


def belongs_in_payload(error: Exception) -> bool:
    """Whether a failure of a mutation is data for the person, and not the request's own, the server's, or a bug."""
    return isinstance(error, WalletError) and not isinstance(error, UnauthenticatedError) and error.http_status < SERVER_ERROR


def told(error: WalletError) -> dict[str, Any]:
    """An expected failure outside a payload: the sentence for the person, the code for the program."""
    extensions: dict[str, Any] = {"code": error.code}
    if error.field:
        extensions["field"] = [error.field]
    return {"message": error.user_message, "extensions": extensions}


def masked(request_context: RequestContext) -> dict[str, Any]:
    """A bug: nothing of it but the id under which the log has it."""
    error_id = error_id_of(request_context)
    message = f"Something went wrong on our side. Quote this id when you ask for help: {error_id}"
    return {"message": message, "extensions": {"code": RequestCode.INTERNAL.value, "errorId": error_id}}
