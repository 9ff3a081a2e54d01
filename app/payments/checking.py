"""Owns what a confirmation may promise before anything moves: who, how much, and the balance after. Only reads.

The answers are of this moment: paying and refunding check all of it again under the ledger's locks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.errors import InsufficientFundsError, RefundTooLargeError, WalletClosedError, WalletFrozenError
from app.identity import Person, Scope, find_person
from app.ledger import CLOSED, MONEY_MAY_ARRIVE, MONEY_MAY_LEAVE
from app.models import Account
from app.money import Money
from app.payments.paying import find_payee, parse_memo
from app.payments.payment import Payment, find_refundable

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

    from app.identity import Viewer

OWN_IS_FROZEN: Final = "Your wallet is frozen, so no money can leave it. Ask whoever runs this site."
OTHER_IS_FROZEN: Final = "The wallet of that person is frozen, so no money can reach it. Nothing was paid."


def check_payment(session: Session, viewer: Viewer, *, to: str, amount: Money, memo: str | None) -> tuple[Person, Money]:
    """What the confirmation of a payment shows: the payee, and the balance after.

    Raises: as `pay`; WalletFrozenError says whose wallet it is.
    """
    viewer.require(Scope.PAY)
    parse_memo(memo)
    payee = find_payee(session, viewer, to)
    return payee, _balance_after(session, viewer, payee, amount)


def check_refund(session: Session, viewer: Viewer, *, payment_id: UUID, amount: Money, memo: str | None) -> tuple[Payment, Money]:
    """What the confirmation of a refund shows: the payment that is given back, and the balance after.

    Raises: as `refund`; WalletFrozenError says whose wallet it is.
    """
    viewer.require(Scope.PAY)
    parse_memo(memo)
    payment = find_refundable(session, viewer, payment_id, currency=amount.currency_info)
    if amount.minor_units > payment.refundable.minor_units:
        raise RefundTooLargeError(refundable=payment.refundable)
    return payment, _balance_after(session, viewer, find_person(session, payment.counterparty_username or ""), amount)


def _balance_after(session: Session, viewer: Viewer, payee: Person, amount: Money) -> Money:
    mine, theirs = (session.get_one(Account, account_id) for account_id in (viewer.account_id, payee.account_id))
    if theirs.status == CLOSED:
        raise WalletClosedError
    if mine.status not in MONEY_MAY_LEAVE:
        raise WalletFrozenError(user_message=OWN_IS_FROZEN)
    if theirs.status not in MONEY_MAY_ARRIVE:
        raise WalletFrozenError(user_message=OTHER_IS_FROZEN)
    after = mine.balance - amount.minor_units
    if after < 0:
        raise InsufficientFundsError(
            balance=Money(mine.balance, amount.currency_info), shortfall=Money(-after, amount.currency_info),
        )
    return Money(after, amount.currency_info)
