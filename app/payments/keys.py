"""Owns which ids may be the key of a payment: those that were made for it, and no placeholders. Pure."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from app.errors import InvalidInputError
from app.ids import parse_id

# Source: RFC 9562, sections 4.1 and 4.2: the variant, and the versions that there are.
VARIANT, NEWEST_VERSION = 0b10, 8
# Of its 16 bytes. Of a hundred million random ids one is refused; of those that a person types, hardly any passes.
LEAST_DIFFERENT_BYTES: Final = 10
MOST_ZERO_BYTES: Final = 5
# Six bytes of these versions are the address of a network card. Where a virtual one has five equal bytes, one id of two million is refused.
# Source: RFC 9562, sections 5.1 and 5.6.
VERSIONS_WITH_A_CARD: Final = frozenset({1, 6})
LEAST_DIFFERENT_BYTES_WITH_A_CARD: Final = 7
MOST_ZERO_BYTES_WITH_A_CARD: Final = 8
# Made once, and shown to everybody who reads how ids look: whoever copies one has not made it. Those of our own pages, of RFC 4122 and
# RFC 9562, of the documentation of OpenAPI, PostgreSQL, MDN and npm's uuid, the commonest one of all, and some that count.
EXAMPLES: Final = frozenset(UUID(text) for text in (
    "2f6c3c1e-8a4b-4f57-9d3e-0b6a1c5d7e90", "3f1a3b52-9b0c-4c5e-8f52-6f1f0d2a7c11",
    "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6ba7b811-9dad-11d1-80b4-00c04fd430c8",
    "6ba7b812-9dad-11d1-80b4-00c04fd430c8", "6ba7b814-9dad-11d1-80b4-00c04fd430c8", "c232ab00-9414-11ec-b3c8-9f6bdeced846",
    "5df41881-3aed-3515-88a7-2f4a814cf09e", "919108f7-52d1-4320-9bac-f847db4148a8", "2ed6657d-e927-568b-95e1-2665a8aea6a2",
    "1ec9414c-232a-6b00-b3c8-9f6bdeced846", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f", "2489e9ad-2ee2-8e00-8ec9-32d5f69181c0",
    "5c146b14-3c52-8afd-938a-375d0df1fbf6", "3fa85f64-5717-4562-b3fc-2c963f66afa6", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    "36b8f84d-df4e-4d49-b662-bcde71a8764f", "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed",
    "123e4567-e89b-12d3-a456-426614174000", "550e8400-e29b-41d4-a716-446655440000",
    "01234567-89ab-4def-8123-456789abcdef", "12345678-90ab-4def-8234-567890abcdef", "fedcba98-7654-4210-8edc-ba9876543210",
    "01020304-0506-4708-890a-0b0c0d0e0f10",
))


def parse_key(text: object) -> UUID:
    """The id that `text` means, as `parse_id` reads it, if it may be a key.

    It is one of RFC 9562's versions 1 to 8, and was made for the payment. What stands in for an id until there is one, such as nil,
    00000000-0000-4000-8000-000000000001, 12345678-1234-4234-8234-123456789abc or the example of a page, is what two payments share.

    Raises: InvalidInputError.
    """
    key = parse_id(text)
    if not _is_of_a_known_version(key) or _looks_typed(key) or key in EXAMPLES:
        message = "That id is a placeholder or an example, so it is no payment's own. Make a new random UUID for each payment."
        raise InvalidInputError(f"not made: {key}", user_message=message, field="idempotencyKey")
    return key


def _is_of_a_known_version(key: UUID) -> bool:
    return key.int >> 62 & 0b11 == VARIANT and 1 <= _version(key) <= NEWEST_VERSION


def _looks_typed(key: UUID) -> bool:
    least_different, most_zero = LEAST_DIFFERENT_BYTES, MOST_ZERO_BYTES
    if _version(key) in VERSIONS_WITH_A_CARD:
        least_different, most_zero = LEAST_DIFFERENT_BYTES_WITH_A_CARD, MOST_ZERO_BYTES_WITH_A_CARD
    return len(set(key.bytes)) < least_different or key.bytes.count(0) > most_zero


def _version(key: UUID) -> int:
    return key.int >> 76 & 0xF
