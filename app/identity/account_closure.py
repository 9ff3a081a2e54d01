"""Owns the closure of accounts: names, logins and tokens are deleted, and the entries stay under a neutral name."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from sqlalchemy import select, text

from app.errors import WalletFrozenError, WalletNotEmptyError
from app.identity.passwords import hash_password
from app.identity.people import confirm_password, find_person, unknown_person
from app.identity.retired_usernames import NEUTRAL_USERNAME_PREFIX
from app.models import Account, User
from app.money import Money

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.identity.viewer import Viewer
    from app.money import Currency

# Enough digits to be unique. They are random, so they do not identify the person.
NEUTRAL_DIGITS: Final = 12
CLOSE: Final = text("SELECT close_account(:username, :despite_freeze, :neutral_username, :hash_of_nobody)")
FROZEN_MESSAGE: Final = "Your wallet is frozen, so your account cannot be closed now. Ask whoever runs this site."


def close_own_account(session: Session, viewer: Viewer, *, password: str, currency: Currency) -> str:
    """Close the viewer's account. Returns the neutral username of its entries.

    Raises: WrongCredentialsError, WalletNotEmptyError, WalletFrozenError, ForbiddenError for an API token.
    """
    confirm_password(session, viewer, password)
    return _close(session, viewer.username, despite_freeze=False, currency=currency)


def close_account(session: Session, username: str, *, currency: Currency) -> str:
    """Close an account as the operator, also a frozen one. Returns the neutral username of its entries.

    Raises: NotFoundError, WalletNotEmptyError.
    """
    return _close(session, find_person(session, username).username, despite_freeze=True, currency=currency)


def _close(session: Session, username: str, *, despite_freeze: bool, currency: Currency) -> str:
    neutral_username = f"{NEUTRAL_USERNAME_PREFIX}{uuid4().hex[:NEUTRAL_DIGITS]}"
    outcome = session.scalar(CLOSE, {
        "username": username, "despite_freeze": despite_freeze, "neutral_username": neutral_username,
        # The hash of a random password: a login with the neutral username fails like any wrong password.
        "hash_of_nobody": hash_password(secrets.token_urlsafe()),
    })
    match outcome:
        case "closed":
            return neutral_username
        case "not_empty":
            raise WalletNotEmptyError(balance=_balance(session, username, currency))
        case "frozen":
            raise WalletFrozenError(user_message=FROZEN_MESSAGE)
    raise unknown_person(username)


def _balance(session: Session, username: str, currency: Currency) -> Money:
    of_person = select(Account.balance).join(User, User.account_id == Account.id).where(User.username == username)
    return Money(session.scalars(of_person).one(), currency)
