"""Owns POST /graphql: from a request to its answer, by the core's functions. Holds no rule on money or people."""

from app.api.answer import Answer, answer_soon, failure
from app.api.limits import maximum_body_bytes
from app.api.schema import schema_text
from app.api.view import blueprint, failure_response

__all__ = ["Answer", "answer_soon", "blueprint", "failure", "failure_response", "maximum_body_bytes", "schema_text"]
