"""Owns the expected failures: one class each. `user_message` is for people; `str(error)` is for the log and may hold ids and amounts."""

from app.errors.access import (
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    UnauthenticatedError,
    UnderPathError,
    WrongCredentialsError,
    WrongHostError,
)
from app.errors.base import WalletError, error_field
from app.errors.inputs import InvalidAmountError, InvalidInputError, InvalidPasswordError, InvalidUsernameError, UsernameTakenError
from app.errors.outages import ConflictRetryError, DatabaseUnavailableError, SettingError
from app.errors.payments import (
    BalanceTooLargeError,
    IdempotencyKeyReusedError,
    InsufficientFundsError,
    NotAttemptedError,
    NotRefundableError,
    RefundTooLargeError,
    RequestNotOpenError,
    SelfPaymentError,
    WalletClosedError,
    WalletFrozenError,
    WalletNotEmptyError,
)
