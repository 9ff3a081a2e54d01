"""Owns parsing ids: idempotency keys, and the ids of payments, logins and tokens."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from app.errors import InvalidInputError
from app.single_line import trimmed

# One form only. Python's UUID also accepts braces, "urn:uuid:" and hyphens anywhere.
UUID_PATTERN: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def parse_id(text: object) -> UUID:
    """Parse an id. White space at the ends is removed.

    Args:
        text: anything but a string is refused.

    Raises: InvalidInputError.
    Source: RFC 9562, section 4.
    """
    if isinstance(text, str) and UUID_PATTERN.fullmatch(trimmed(text)):
        return UUID(trimmed(text))
    message = "That is not an id. Send a UUID as text, such as 2f6c3c1e-8a4b-4f57-9d3e-0b6a1c5d7e90."
    raise InvalidInputError(f"not a UUID: {text[:40]!r}" if isinstance(text, str) else f"{type(text).__name__} instead of text",
                            user_message=message)
