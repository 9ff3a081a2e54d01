"""Owns the expected failures: one class each, told twice, to the person and to the log.

Knows no framework. An edge reads `code`, `http_status`, `field`, `user_message` and `data()`; it never parses `str(error)`,
which is for the log and may hold ids and amounts.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.money import Money

# From so many on, a wait is told in minutes.
LONG_SECONDS: Final = 120


class WalletError(Exception):
    """A failure that was foreseen: it has a stable code, a place and a sentence that says what to do next.

    Args:
        detail: for the log only; may name ids and amounts.
        user_message: what happened and what to do next, in plain words; the class's own sentence when absent.
        field: the name of the input that was wrong, or None when no single one was.
    """

    code: ClassVar[str]
    http_status: ClassVar[int] = 422
    default_message: ClassVar[str]
    default_field: ClassVar[str | None] = None

    def __init__(self, detail: str = "", *, user_message: str | None = None, field: str | None = None) -> None:
        self.user_message = user_message or self.default_message
        self.field = field or self.default_field
        super().__init__(detail or self.user_message)


@contextmanager
def at_input(name: str) -> Iterator[None]:
    """Whatever is refused within was entered at this input: what an edge adds to the core's reading of it."""
    try:
        yield
    except WalletError as error:
        error.field = name
        raise


class InvalidAmountError(WalletError):
    """The text is not an exact positive amount of the wallet's currency."""

    code = "INVALID_AMOUNT"
    default_message = "That is not an amount. Write only the number, for example 12.50."
    default_field = "amount"


class InvalidUsernameError(WalletError):
    """The text breaks the rules for handles."""

    code = "INVALID_USERNAME"
    default_message = "A username has 3 to 32 of the letters a-z, digits, _ and -, and starts with a letter. Choose another."
    default_field = "username"


class InvalidPasswordError(WalletError):
    """The new password breaks the rules for passwords."""

    code = "INVALID_PASSWORD"
    default_message = "That password cannot be used. Choose a longer one that is not easy to guess."
    default_field = "password"


class InvalidInputError(WalletError):
    """A value has the wrong form and no code of its own."""

    code = "INVALID_INPUT"
    default_message = "Something in that form is not right. Check what you entered and send it again."


class UsernameTakenError(WalletError):
    """Somebody has this handle."""

    code = "USERNAME_TAKEN"
    http_status = 409
    default_message = "That username is taken. Choose another."
    default_field = "username"


class WrongCredentialsError(WalletError):
    """Unknown name or wrong password; never says which."""

    code = "WRONG_CREDENTIALS"
    http_status = 401
    default_message = "The username or the password is not right. Check both and try again."
    default_field = "password"
    account: str | None = None
    """Whose password it was to be; None for a name that is nobody's."""


class UnauthenticatedError(WalletError):
    """Nobody is signed in."""

    code = "UNAUTHENTICATED"
    http_status = 401
    default_message = "You are not logged in. Log in and try again."


class ForbiddenError(WalletError):
    """The caller is known and may not do this."""

    code = "FORBIDDEN"
    http_status = 403
    default_message = "This is not allowed from where you are. Open the wallet's own page and try again."


class WrongHostError(ForbiddenError):
    """The request is for another host than this wallet's."""

    http_status = 421
    default_message = "This is not the wallet's own address. Open it under its own name."


class UnderPathError(ForbiddenError):
    """A proxy serves the wallet under a path of another site."""

    http_status = 421
    default_message = (
        "This wallet is served under a path, and it works only at the top of a host name of its own. "
        "Whoever runs it gives it one in the proxy, such as wallet.example."
    )


class NotFoundError(WalletError):
    """It does not exist, or not for this person: the two read the same."""

    code = "NOT_FOUND"
    http_status = 404
    default_message = "There is nothing here by that name. Check it and try again."


class SelfPaymentError(WalletError):
    """Payer and payee are one."""

    code = "SELF_PAYMENT"
    default_message = "You cannot pay yourself. Choose someone else."
    default_field = "to"


class InsufficientFundsError(WalletError):
    """The wallet holds less than the amount.

    Args:
        balance: what the wallet holds.
        shortfall: what is missing, above zero.
    """

    code = "INSUFFICIENT_FUNDS"
    http_status = 409
    default_message = "There is not enough money in the wallet. Ask someone for it, or send less."
    default_field = "amount"

    def __init__(self, *, balance: Money, shortfall: Money) -> None:
        self.balance = balance
        self.shortfall = shortfall
        super().__init__(
            f"balance {balance.amount} {balance.currency}, short of {shortfall.amount}",
            user_message=f"You need {shortfall.formatted} more. Ask someone for it, or send less.",
        )


class BalanceTooLargeError(WalletError):
    """A wallet, or all that was ever issued, would become more than the books can hold: 2⁶³ of the smallest unit."""

    code = "BALANCE_TOO_LARGE"
    http_status = 409
    default_message = "A wallet cannot hold that much, so nothing was moved. Choose a smaller amount."
    default_field = "amount"


class WalletFrozenError(WalletError):
    """One of the two wallets is frozen."""

    code = "WALLET_FROZEN"
    http_status = 409
    default_message = "One of the two wallets is frozen, so nothing was paid. Ask whoever runs this site."


class WalletClosedError(WalletError):
    """One of the two accounts is closed."""

    code = "WALLET_CLOSED"
    http_status = 409
    default_message = "That account is closed, so nothing can be paid to it or from it, and nothing was paid."


class WalletNotEmptyError(WalletError):
    """The account cannot be closed while its wallet holds money.

    Args:
        balance: what the wallet holds.
    """

    code = "WALLET_NOT_EMPTY"
    http_status = 409
    default_message = "The wallet still holds money. Empty it first, then close the account."

    def __init__(self, *, balance: Money) -> None:
        self.balance = balance
        cure = "Pay it to somebody, or ask whoever runs this site to pay it out to you. Then close the account."
        sentence = f"Your wallet still holds {balance.formatted}. {cure}"
        super().__init__(f"balance {balance.amount} {balance.currency}", user_message=sentence)


class HeldBackError(WalletError):
    """Nothing is wrong with this one, but another one of its atomic group was refused."""

    code = "NOT_ATTEMPTED"
    http_status = 409
    default_message = "Nothing is wrong with this payment, but another one sent with it was refused, so none was made. Correct that one."


class IdempotencyKeyReusedError(WalletError):
    """The id belongs to another payment already, or to the same one with its amount given in another way."""

    code = "IDEMPOTENCY_KEY_REUSED"
    http_status = 409
    default_message = "Something else was paid with this before, and nothing was paid now. Start a new payment."
    default_field = "idempotencyKey"


class RefundTooLargeError(WalletError):
    """More than is left of the payment.

    Args:
        refundable: what may still be refunded.
    """

    code = "REFUND_TOO_LARGE"
    default_field = "amount"
    default_message = "That is more than is left to refund."

    def __init__(self, *, refundable: Money) -> None:
        self.refundable = refundable
        if refundable.minor_units == 0:
            message = "This payment was refunded in full already. Nothing is left to refund."
        else:
            message = f"Only {refundable.formatted} of this payment is left to refund. Refund that or less."
        super().__init__(f"refundable {refundable.amount} {refundable.currency}", user_message=message)


class NotRefundableError(WalletError):
    """It is in the person's history, but no payment: a refund, or money that the operator issued or redeemed."""

    code = "NOT_REFUNDABLE"
    default_message = "Only a payment can be refunded. This is a refund, or money from or to whoever runs this site."
    default_field = "paymentId"


class RequestNotOpenError(WalletError):
    """The request for money was paid, declined, cancelled or has expired."""

    code = "REQUEST_NOT_OPEN"
    http_status = 409
    default_message = "This request is not open any more. Ask for a new one."


class RateLimitedError(WalletError):
    """Too many tries.

    Args:
        retry_after_seconds: whole seconds until the next try can succeed, at least 1.
    """

    code = "RATE_LIMITED"
    http_status = 429
    default_message = "That was too often. Wait a little and try again."

    def __init__(self, *, retry_after_seconds: int) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(user_message=f"That was too often. Try again in {_time_to_wait(retry_after_seconds)}.")


def _time_to_wait(seconds: int) -> str:
    if seconds >= LONG_SECONDS:
        return f"{-(-seconds // 60)} minutes"
    return "1 second" if seconds == 1 else f"{seconds} seconds"


class ConflictRetryError(WalletError):
    """Other work on the same wallets kept getting in the way; nothing was changed."""

    code = "CONFLICT_RETRY"
    http_status = 503
    default_message = "The wallet is very busy and nothing was changed. Send the same again."


class DatabaseUnavailableError(WalletError):
    """PostgreSQL did not answer. Whether a change in flight was stored is unknown; the same id settles it."""

    code = "CONFLICT_RETRY"
    http_status = 503
    default_message = "The wallet cannot reach its books right now. Send the same again in a moment: nothing is paid twice."
    RETRY_AFTER_SECONDS: ClassVar[int] = 5


class SettingError(Exception):
    """A setting has a value that cannot be used; the message names it, the value's fault and the cure."""
