"""Owns API tokens: a client signs in with one instead of a password. A token has a name and scopes, is shown once, and can be revoked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from sqlalchemy import bindparam, delete, func, insert, or_, select, text, update

from app.database import PreparedStatement
from app.errors import InvalidInputError, NotFoundError, UnauthenticatedError, error_field
from app.identity.viewer import VIEWER_COLUMNS, Scope, Viewer, new_token, token_digest
from app.models import ApiToken, User
from app.single_line import parse_single_line

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

# Scanners of repositories recognise a leaked token by it.
TOKEN_PREFIX: Final = "wave_"  # noqa: S105 - the common prefix is no secret
MAXIMUM_TOKEN_NAME_CHARACTERS: Final = 64
MAXIMUM_TOKENS_PER_PERSON: Final = 50
# last_used_at is written at most this often: it only shows whether a token is still in use.
LAST_USED_INTERVAL_SECONDS: Final = 60

# Whether last_used_at of a token has to be written again.
LAST_USED_IS_OUTDATED: Final = or_(
    ApiToken.last_used_at.is_(None), ApiToken.last_used_at < func.now() - text(f"interval '{LAST_USED_INTERVAL_SECONDS} seconds'"),
)
OWNER_OF_TOKEN: Final = PreparedStatement("owner_of_token", (
    select(ApiToken.id, ApiToken.scopes, LAST_USED_IS_OUTDATED, *VIEWER_COLUMNS)
    .join(User, User.id == ApiToken.user_id)
    .where(ApiToken.token_sha256 == bindparam("token_sha256"))
))


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token and its secret, which is not stored."""

    token: ApiToken
    secret: str


def create_api_token(session: Session, viewer: Viewer, *, name: str, scopes: Collection[Scope]) -> IssuedToken:
    """Create an API token for this person.

    Raises: InvalidInputError (name, scopes, too many tokens), ForbiddenError for an API token.
    """
    viewer.require_login()
    name = parse_token_name(name)
    scopes = parse_scopes(scopes)
    if len(list_api_tokens(session, viewer)) >= MAXIMUM_TOKENS_PER_PERSON:
        message = f"You have {MAXIMUM_TOKENS_PER_PERSON} tokens, the most there can be. Revoke one that is not used."
        raise InvalidInputError(user_message=message)
    secret = new_token(TOKEN_PREFIX)
    values = {"id": uuid4(), "user_id": viewer.user_id, "name": name, "scopes": sorted(scopes),
              "token_sha256": token_digest(secret)}
    token = session.execute(insert(ApiToken).values(values).returning(ApiToken)).scalar_one()
    return IssuedToken(token, secret)


def parse_token_name(text: str) -> str:
    """Parse a token's name, by `parse_single_line`. Raises: InvalidInputError if it is empty, too long, or has a hidden character."""
    with error_field("name"):
        name = parse_single_line(text, "name of a token", maximum_characters=MAXIMUM_TOKEN_NAME_CHARACTERS)
        if not name:
            raise InvalidInputError(user_message="Give the token a name.")
    return name


def parse_scopes(scopes: Collection[Scope]) -> frozenset[Scope]:
    """At least one scope. Raises: InvalidInputError."""
    if not scopes:
        raise InvalidInputError(user_message="Choose what the token may do: read, pay, or both.", field="scopes")
    return frozenset(scopes)


def viewer_of_api_token(session: Session, secret: str) -> Viewer | None:
    """The person of this bearer token, with its scopes; None if it is unknown or revoked."""
    found = OWNER_OF_TOKEN.rows(session.connection(), token_sha256=token_digest(secret))
    if not found:
        return None
    ((token_id, scopes, last_used_is_outdated, *owner),) = found
    if last_used_is_outdated:
        mark_api_tokens_used(session, [token_id])
    return Viewer.of_row(owner, scopes=scopes_named(tuple(scopes)), login_id=None)


def unknown_api_token() -> UnauthenticatedError:
    """The error for an unknown or revoked bearer token."""
    message = "This API token is not valid, or was revoked. Make a new one on the account page."
    return UnauthenticatedError("unknown bearer token", user_message=message)


def mark_api_tokens_used(session: Session, token_ids: Collection[UUID]) -> None:
    """Set last_used_at of these tokens to now. It does not wait: a row that another request is updating is skipped."""
    if token_ids:
        free = select(ApiToken.id).where(ApiToken.id.in_(token_ids)).with_for_update(skip_locked=True)
        session.execute(update(ApiToken).where(ApiToken.id.in_(free)).values(last_used_at=func.now()))


@cache
def scopes_named(names: tuple[str, ...]) -> frozenset[Scope]:
    """The scopes with these names, as stored in the database."""
    return frozenset(Scope(each) for each in names)


def list_api_tokens(session: Session, viewer: Viewer) -> list[ApiToken]:
    """The person's tokens, newest first."""
    return list(session.scalars(select(ApiToken).where(ApiToken.user_id == viewer.user_id).order_by(ApiToken.created_at.desc())))


def revoke_api_token(session: Session, viewer: Viewer, token_id: UUID) -> None:
    """Revoke a token.

    Raises: NotFoundError for an unknown token or one of another person, ForbiddenError for an API token.
    """
    viewer.require_login()
    deleted = session.execute(delete(ApiToken).where(ApiToken.id == token_id, ApiToken.user_id == viewer.user_id).returning(ApiToken.id))
    if deleted.scalar() is None:
        raise NotFoundError(f"no token {token_id} of user {viewer.user_id}", user_message="That token is gone already.")


def revoke_all_api_tokens(session: Session, *, username: str) -> int:
    """Revoke all tokens of this person. Returns: how many there were."""
    user_id = select(User.id).where(User.username == username).scalar_subquery()
    return len(session.execute(delete(ApiToken).where(ApiToken.user_id == user_id).returning(ApiToken.id)).all())


def count_api_tokens(session: Session, *, username: str) -> int:
    """How many tokens this person has."""
    user_id = select(User.id).where(User.username == username).scalar_subquery()
    return session.scalar(select(func.count()).select_from(ApiToken).where(ApiToken.user_id == user_id)) or 0
