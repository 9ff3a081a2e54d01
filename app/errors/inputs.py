"""Owns the failures of input values."""

from __future__ import annotations

from app.errors.base import WalletError


class InvalidAmountError(WalletError):
    """The text is not an exact positive amount of the wallet's currency."""

    code = "INVALID_AMOUNT"
    default_message = "That is not an amount. Write only the number, for example 12.50."
    default_field = "amount"


class InvalidUsernameError(WalletError):
    """The text breaks the rules for usernames."""

    code = "INVALID_USERNAME"
    default_message = "A username has 3 to 32 of the letters a-z, digits, _ and -, and starts with a letter. Choose another."
    default_field = "username"


class InvalidPasswordError(WalletError):
    """The new password breaks the rules for passwords."""

    code = "INVALID_PASSWORD"
    default_message = "That password cannot be used. Choose a longer one that is not easy to guess."
    default_field = "password"


class InvalidInputError(WalletError):
    """A value has the wrong form, and there is no other code for it."""

    code = "INVALID_INPUT"
    default_message = "Something in that form is not right. Check what you entered and send it again."


class UsernameTakenError(WalletError):
    """Another person has this username."""

    code = "USERNAME_TAKEN"
    http_status = 409
    default_message = "That username is taken. Choose another."
    default_field = "username"
