"""Owns reading a request's body: what it asks for, in its proper shape, or why it cannot be read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.api.failures import BAD_REQUEST, RequestCode, RequestRefusedError
from app.api.limits import MAXIMUM_BODY_BYTES, MAXIMUM_PAYMENTS_BODY_BYTES
from app.http import is_compressed

if TYPE_CHECKING:
    from app.graphql_engine import PreparedDocument
    from app.http import RequestContext

METHOD_NOT_ALLOWED: Final = 405
CONTENT_TOO_LARGE: Final = 413
UNSUPPORTED_MEDIA_TYPE: Final = 415
ALLOWED_METHODS: Final = "OPTIONS, POST"


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What a body asks for, in its proper shape."""

    query: str
    variables: dict[str, Any]
    operation_name: str | None


def maximum_body_bytes(request_context: RequestContext) -> int:
    """How much of a request's body is read: who shows no sign of being signed in sends no payments, so no large body either."""
    return MAXIMUM_PAYMENTS_BODY_BYTES if request_context.authorization or request_context.login_token else MAXIMUM_BODY_BYTES


def read_request(request_context: RequestContext, content_type: str | None, body: bytes) -> GraphQLRequest:
    """What the request asks for.

    Args:
        body: as sent; of a longer one than may be, at least `maximum_body_bytes` + 1.

    Raises: RequestRefusedError
    """
    if request_context.method != "POST":
        message = "Send GraphQL requests by POST."
        raise RequestRefusedError(METHOD_NOT_ALLOWED, RequestCode.METHOD_NOT_ALLOWED, [message], {"Allow": ALLOWED_METHODS})
    if (content_type or "").partition(";")[0].strip().lower() != "application/json":
        message = "Send the request as JSON, with the header `Content-Type: application/json`."
        raise RequestRefusedError(UNSUPPORTED_MEDIA_TYPE, RequestCode.UNSUPPORTED_MEDIA_TYPE, [message])
    if is_compressed(request_context):
        message = "Send the body as it is, without `Content-Encoding`: nothing is unpacked."
        raise RequestRefusedError(UNSUPPORTED_MEDIA_TYPE, RequestCode.UNSUPPORTED_MEDIA_TYPE, [message], {"Accept-Encoding": "identity"})
    limit = maximum_body_bytes(request_context)
    if len(body) > limit:
        raise _too_large(limit)
    request = _request_of(_json_of(body))
    if len(request.query) > MAXIMUM_BODY_BYTES:
        raise _too_large(MAXIMUM_BODY_BYTES)
    return request


def check_body(body: bytes, prepared: PreparedDocument) -> None:
    """Raises: RequestRefusedError for a large body of what takes none: `sendPayments` alone may have MAXIMUM_PAYMENTS_BODY_BYTES."""
    if len(body) > MAXIMUM_BODY_BYTES and not (prepared.is_mutation and "sendPayments" in prepared.root_fields):
        raise _too_large(MAXIMUM_BODY_BYTES)


def _too_large(limit: int) -> RequestRefusedError:
    return RequestRefusedError(CONTENT_TOO_LARGE, RequestCode.BODY_TOO_LARGE, [f"A request has at most {limit} bytes."])


def _json_of(body: bytes) -> object:
    try:
        given: object = json.loads(body.decode(), parse_constant=_refuse_constant, object_pairs_hook=_object)
        if b"\\u" in body:  # half a surrogate pair is no text that could be stored or compared; JSON lets one be written as \ud800
            json.dumps(given, ensure_ascii=False).encode()
    except RecursionError:
        raise _bad_request("The body is nested too deeply. Send a flatter one.") from None
    except UnicodeError:
        raise _bad_request("The body is not in UTF-8, or holds half a character. Send JSON in UTF-8.") from None
    except json.JSONDecodeError as error:
        raise _bad_request(f"The body is not JSON from character {error.pos + 1} on: it breaks off, or is wrong there.") from None
    except ValueError:
        raise _bad_request("The body holds a number that is too long, or none of JSON's. Send amounts as text.") from None
    return given


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; with a name that stands twice, one reader would take the first value and another one the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _bad_request("A name stands twice in an object of the body. Send it once.")
    return found


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")  # though Python reads it


def _request_of(given: object) -> GraphQLRequest:
    if not isinstance(given, dict):
        raise _bad_request('Send one JSON object, such as {"query": "{ viewer { user { username } } }"}; there is no batching.')
    query, variables, name = given.get("query"), given.get("variables"), given.get("operationName")
    if not isinstance(query, str):
        raise _bad_request("`query` is missing, or is not text.")
    if not isinstance(variables, dict | None):
        raise _bad_request("`variables` is not an object.")
    if not isinstance(name, str | None):
        raise _bad_request("`operationName` is not text.")
    return GraphQLRequest(query, variables or {}, name)


def _bad_request(message: str) -> RequestRefusedError:
    return RequestRefusedError(BAD_REQUEST, RequestCode.BAD_REQUEST, [message])
