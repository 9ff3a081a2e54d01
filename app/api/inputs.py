"""Owns what callers give: the inputs of the mutations as dataclasses, and how their raw values are read, each refused in words."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from app.errors import InvalidAmountError, InvalidInputError, InvalidUsernameError
from app.identity import parse_username
from app.money import Currency, Money, parse_amount
from app.payments import check_key

if TYPE_CHECKING:
    from app.identity import Scope
    from app.payments import Direction, PaymentKind

UUID_PATTERN: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# Source: RFC 3339, section 5.6, with at most PostgreSQL's grain of time. The offset is not left out: a time without one is a guess.
MOMENT_PATTERN: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})",
)
# No payment is older, and some arithmetic ends at the first year.
EARLIEST_YEAR: Final = 1970
MAXIMUM_CURSOR_CHARACTERS: Final = 64
MAXIMUM_ENTRY_NUMBER: Final = 2**63 - 1


# Values of our own scalars are `object` here: GraphQL passes them as they were sent, so that a wrong one is told as data.


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


def read_uuid(value: object, field: str) -> UUID:
    """Raises: InvalidInputError."""
    if not isinstance(value, str) or UUID_PATTERN.fullmatch(value) is None:
        message = "That is not an id. Send a UUID as text, such as 2f6c3c1e-8a4b-4f57-9d3e-0b6a1c5d7e90."
        raise InvalidInputError(f"not a UUID: {_for_log(value)}", user_message=message, field=field)
    return UUID(value)


def read_key(value: object, field: str) -> UUID:
    """As `read_uuid`, for the id of a payment or refund that is to be made. Raises: InvalidInputError, also for a placeholder."""
    return check_key(read_uuid(value, field))


def read_username(value: object, field: str) -> str:
    """Raises: InvalidUsernameError."""
    if not isinstance(value, str):
        raise InvalidUsernameError(f"{type(value).__name__} instead of text", field=field)
    try:
        return parse_username(value)
    except InvalidUsernameError as error:
        error.field = field
        raise


def read_moment(value: object, field: str) -> datetime:
    """Raises: InvalidInputError."""
    message = "That is not a date and time. Send it with its offset, such as 2026-11-22T18:30:00Z."
    refused = InvalidInputError(f"not a moment: {_for_log(value)}", user_message=message, field=field)
    if not isinstance(value, str) or MOMENT_PATTERN.fullmatch(value) is None:
        raise refused
    try:
        moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):  # the 30th of February; the last hours of the year 9999
        raise refused from None
    if moment.year < EARLIEST_YEAR:
        raise refused
    return moment


def read_amount(value: object, currency: Currency, field: str) -> Money:
    """Raises: InvalidAmountError."""
    try:
        return parse_amount(value, currency)
    except InvalidAmountError as error:
        error.field = field
        raise


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


def _for_log(value: object) -> str:
    # Of anything but text, not the value: a list in lists may be nested too deeply to be written down.
    return repr(value[:40]) if isinstance(value, str) else type(value).__name__


def _not_a_cursor(cursor: str) -> InvalidInputError:
    message = "That is not a place in this list. Send the `endCursor` of the page before, or nothing for the first page."
    return InvalidInputError(f"cursor {cursor[:40]!r}", user_message=message, field="after")
