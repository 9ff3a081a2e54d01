"""Owns POST /graphql: from a request to its answer, by the core's functions. Holds no rule on money or people."""

from app.api.answer import ApiResponse, answer_async, failure
from app.api.calls import Calls, DirectCalls, RequestFailedError
from app.api.requests import maximum_body_bytes
from app.api.schema import schema_text
from app.api.view import blueprint, failure_response
