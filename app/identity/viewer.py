"""Owns the viewer: the signed-in person of a request, with the scopes of the login or token. Only a valid secret gives one."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Self

from app.errors import ForbiddenError
from app.models import User

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

# 256 bits: beyond guessing, so the stored SHA-256 needs no salt and no slow hash. Source: OWASP ASVS 5.0, 7.2.3.
TOKEN_BYTES: Final = 32
# The columns of the owner of a login or token that a Viewer needs.
VIEWER_COLUMNS: Final = (User.id, User.account_id, User.username, User.display_name, User.joined_at, User.is_operator)


class Scope(StrEnum):
    """What an API token may do."""

    READ = "READ"
    PAY = "PAY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """A signed-in person. Every private read and every payment needs one, so the payer is never an argument."""

    user_id: int
    account_id: int
    username: str
    display_name: str
    joined_at: datetime
    is_operator: bool
    """Whether they have the operator's badge."""
    scopes: frozenset[Scope]
    login_id: UUID | None
    """The browser's login; None for an API token, which may not change passwords, logins and tokens."""

    @classmethod
    def of_row(cls, owner: Sequence[Any], *, scopes: frozenset[Scope], login_id: UUID | None) -> Self:
        """The viewer of a row with VIEWER_COLUMNS."""
        user_id, account_id, username, display_name, joined_at, is_operator = owner
        return cls(
            user_id=user_id, account_id=account_id, username=username, display_name=display_name, joined_at=joined_at,
            is_operator=is_operator, scopes=scopes, login_id=login_id,
        )

    @property
    def user(self) -> Self:
        """What others see of them: a viewer has all of it."""
        return self

    def require(self, scope: Scope) -> None:
        """Raises: ForbiddenError without `scope`."""
        if scope not in self.scopes:
            raise scope_missing(scope)

    def require_login(self) -> UUID:
        """The login's id, for actions that need a browser's login.

        Raises: ForbiddenError for an API token: a stolen token must not be able to make another one.
        """
        if self.login_id is None:
            raise ForbiddenError("login required", user_message="An API token cannot do this. Log in with your password instead.")
        return self.login_id


def scope_missing(scope: Scope) -> ForbiddenError:
    """The refusal of a token that lacks this scope."""
    message = f"This API token lacks the scope {scope.value}. Make another one that has it, on the account page."
    return ForbiddenError(f"scope {scope.value} missing", user_message=message)


def new_token(prefix: str = "") -> str:
    """A new random secret, safe in a header and a cookie."""
    return prefix + secrets.token_urlsafe(TOKEN_BYTES)


def token_digest(token: str) -> bytes:
    """The SHA-256 of a token, which is stored instead of it."""
    return hashlib.sha256(token.encode()).digest()
