"""Owns what callers give: the inputs of the mutations as dataclasses, and the cursors of lists. The core reads the values."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.errors import InvalidInputError, InvalidUsernameError
from app.identity import parse_username

if TYPE_CHECKING:
    from app.identity import Scope
    from app.payments import Direction, PaymentKind

MAXIMUM_CURSOR_CHARACTERS: Final = 64
MAXIMUM_ENTRY_NUMBER: Final = 2**63 - 1


# Values of our own scalars are `object` here: GraphQL passes them as they were sent, so that the core's functions read them, and a
# wrong one is told as data.


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Of the mutation `register`."""

    username: object
    password: str
    display_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Of the mutation `logIn`."""

    username: object
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChange:
    """Of the mutation `changePassword`."""

    current_password: str
    new_password: str
    revoke_api_tokens: bool | None = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountClosing:
    """Of the mutation `closeAccount`."""

    current_password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """Of the mutation `createApiToken`."""

    name: str
    scopes: list[Scope]
    current_password: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOrder:
    """Of the mutation `sendPayment`."""

    idempotency_key: object
    to: object
    amount: object
    memo: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutOrder:
    """Of the mutation `sendPayments`."""

    items: list[dict[str, Any]]
    """Each with the members of a PaymentOrder."""
    atomic: bool | None = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrder:
    """Of the mutation `refundPayment`."""

    idempotency_key: object
    payment_id: object
    amount: object = None
    memo: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenFilter:
    """Of the field `Wallet.payments`."""

    direction: Direction | None = None
    counterparty: object = None
    kind: PaymentKind | None = None
    from_: object = None
    to: object = None
    min_amount: object = None
    max_amount: object = None
    text: str | None = None


def cursor_of(key: str) -> str:
    """The opaque text that stands for a place in a list."""
    return base64.urlsafe_b64encode(key.encode()).rstrip(b"=").decode()


def read_cursor(cursor: str) -> str:
    """What `cursor_of` was given. Raises: InvalidInputError."""
    try:
        if len(cursor) <= MAXIMUM_CURSOR_CHARACTERS:
            key = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
            if cursor_of(key) == cursor:
                return key
    except ValueError:
        pass
    raise _not_a_cursor(cursor)


def read_number_cursor(cursor: str) -> int:
    """The entry number of a cursor into a wallet's history. Raises: InvalidInputError."""
    key = read_cursor(cursor)
    if not (key.isascii() and key.isdigit() and 0 < int(key) <= MAXIMUM_ENTRY_NUMBER):
        raise _not_a_cursor(cursor)
    return int(key)


def read_username_cursor(cursor: str) -> str:
    """The handle of a cursor into the list of people. Raises: InvalidInputError."""
    try:
        return parse_username(read_cursor(cursor))
    except InvalidUsernameError:
        raise _not_a_cursor(cursor) from None


def _not_a_cursor(cursor: str) -> InvalidInputError:
    message = "That is not a place in this list. Send the `endCursor` of the page before, or nothing for the first page."
    return InvalidInputError(f"cursor {cursor[:40]!r}", user_message=message, field="after")
