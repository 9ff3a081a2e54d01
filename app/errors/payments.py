"""Owns the failures of moving money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors.base import WalletError

if TYPE_CHECKING:
    from app.money import Money


class SelfPaymentError(WalletError):
    """Payer and payee are the same person."""

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
    """A wallet, or the total that was issued, would exceed what the ledger can hold: 2⁶³ minor units."""

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


class NotAttemptedError(WalletError):
    """The payment is valid, but another one of its atomic group was refused."""

    code = "NOT_ATTEMPTED"
    http_status = 409
    default_message = "Nothing is wrong with this payment, but another one sent with it was refused, so none was made. Correct that one."


class IdempotencyKeyReusedError(WalletError):
    """The id already belongs to another payment, or to the same one with its amount given in another way."""

    code = "IDEMPOTENCY_KEY_REUSED"
    http_status = 409
    default_message = "Something else was paid with this before, and nothing was paid now. Start a new payment."
    default_field = "idempotencyKey"


class RefundTooLargeError(WalletError):
    """The amount is more than is left of the payment.

    Args:
        refundable: the amount that is left to refund.
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
    """The transfer is not a payment: it is a refund, or the operator issued or redeemed it."""

    code = "NOT_REFUNDABLE"
    default_message = "Only a payment can be refunded. This is a refund, or money from or to whoever runs this site."
    default_field = "paymentId"


class RequestNotOpenError(WalletError):
    """The request for money was paid, declined or cancelled, or it has expired."""

    code = "REQUEST_NOT_OPEN"
    http_status = 409
    default_message = "This request is not open any more. Ask for a new one."
