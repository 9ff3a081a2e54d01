"""Owns logins: a signed-in browser, until it logs out, is revoked, or expires."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import Integer, Interval, bindparam, delete, func, literal_column, select, text, update

from app.database import PreparedStatement
from app.errors import NotFoundError
from app.identity.viewer import VIEWER_COLUMNS, Scope, Viewer, new_token, token_digest
from app.models import Login, User

if TYPE_CHECKING:
    from datetime import timedelta
    from uuid import UUID

    from sqlalchemy import BindParameter, ColumnElement
    from sqlalchemy.orm import Session

    from app.settings import Settings

MAXIMUM_USER_AGENT_CHARACTERS: Final = 200
# One more login ends the oldest one.
MAXIMUM_LOGINS_PER_PERSON: Final = 100
# last_seen_at is written at most this often. It is for a list and the idle time-out, which need no more precision.
LAST_SEEN_INTERVAL_SECONDS: Final = 60
# Somebody who finds an open browser later cannot make an API token without the password.
RECENT_SECONDS: Final = 300


def _seconds(count: int | BindParameter[int]) -> ColumnElement[timedelta]:
    # The zeros as they are: as values of a prepared statement they would be sent each time, six for each interval.
    return func.make_interval(*[literal_column("0")] * 6, count, type_=Interval)


def _active_within(
    lifetime_seconds: int | BindParameter[int], idle_seconds: int | BindParameter[int]
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Login.created_at > func.now() - _seconds(lifetime_seconds), Login.last_seen_at > func.now() - _seconds(idle_seconds)


OWNER_OF_LOGIN: Final = PreparedStatement("owner_of_login", (
    select(Login.id, Login.last_seen_at < func.now() - _seconds(LAST_SEEN_INTERVAL_SECONDS), *VIEWER_COLUMNS)
    .join(User, User.id == Login.user_id)
    .where(
        Login.token_sha256 == bindparam("token_sha256"),
        *_active_within(bindparam("lifetime_seconds", type_=Integer), bindparam("idle_seconds", type_=Integer)),
    )
))
# One statement, which sees the logins as they were before it: the new one is none of those that are too many.
START_LOGIN: Final = PreparedStatement("start_login", text("""
    WITH person AS (
        SELECT id FROM users WHERE username = :username
    ), over AS (
        DELETE FROM logins USING person WHERE user_id = person.id AND (
            created_at <= now() - make_interval(secs => :lifetime_seconds) OR last_seen_at <= now() - make_interval(secs => :idle_seconds)
            OR logins.id IN (
                SELECT mine.id FROM logins AS mine JOIN person ON person.id = mine.user_id
                ORDER BY mine.created_at DESC OFFSET :others_kept))
    ), replaced AS (
        DELETE FROM logins WHERE token_sha256 = :replaced_sha256
    )
    INSERT INTO logins (id, user_id, token_sha256, user_agent) SELECT gen_random_uuid(), id, :token_sha256, :user_agent FROM person
    RETURNING id
"""))
# A browser's login has all scopes.
ALL_SCOPES: Final = frozenset(Scope)


def start_login(
    session: Session, username: str, *, user_agent: str | None, settings: Settings, replaces: str | None = None
) -> str:
    """Start a login. Returns the new token for the cookie; only its SHA-256 is stored.

    The caller has checked the password or registered the person. Expired logins of the person end, and the oldest if there are too many.

    Args:
        replaces: the token that the same browser had before, of any person; that login ends.
    """
    token = new_token()
    agent = (user_agent or "").replace("\x00", "")[:MAXIMUM_USER_AGENT_CHARACTERS] or None
    ((_login_id,),) = START_LOGIN.rows(
        session.connection(), username=username, token_sha256=token_digest(token), user_agent=agent,
        replaced_sha256=token_digest(replaces) if replaces else None, others_kept=MAXIMUM_LOGINS_PER_PERSON - 1,
        lifetime_seconds=settings.login_lifetime_seconds, idle_seconds=settings.login_idle_seconds,
    )
    return token


def viewer_of_login(session: Session, token: str, settings: Settings) -> Viewer | None:
    """The person of this cookie's token; None if it is unknown, revoked or expired. All times are of the database's clock."""
    found = OWNER_OF_LOGIN.rows(
        session.connection(), token_sha256=token_digest(token), lifetime_seconds=settings.login_lifetime_seconds,
        idle_seconds=settings.login_idle_seconds,
    )
    if not found:
        return None
    ((login_id, last_seen_is_outdated, *owner),) = found
    if last_seen_is_outdated:
        session.execute(update(Login).where(Login.id == login_id).values(last_seen_at=func.now()))
    return Viewer.of_row(owner, scopes=ALL_SCOPES, login_id=login_id)


def logged_in_recently(session: Session, viewer: Viewer) -> bool:
    """Whether this login began within RECENT_SECONDS. Raises: ForbiddenError for an API token."""
    recent = Login.created_at > func.now() - _seconds(RECENT_SECONDS)
    return bool(session.scalar(select(recent).where(Login.id == viewer.require_login())))


def list_logins(session: Session, viewer: Viewer, settings: Settings) -> list[Login]:
    """The active logins of this person, newest first."""
    active = select(Login).where(Login.user_id == viewer.user_id, *_active(settings)).order_by(Login.created_at.desc())
    return list(session.scalars(active))


def count_logins(session: Session, *, username: str, settings: Settings) -> int:
    """How many active logins this person has."""
    user_id = select(User.id).where(User.username == username).scalar_subquery()
    return session.scalar(select(func.count()).select_from(Login).where(Login.user_id == user_id, *_active(settings))) or 0


def end_login(session: Session, viewer: Viewer, login_id: UUID) -> None:
    """End one login of this person.

    Raises: NotFoundError for an unknown login or one of another person, ForbiddenError for an API token.
    """
    viewer.require_login()
    deleted = session.execute(delete(Login).where(Login.id == login_id, Login.user_id == viewer.user_id).returning(Login.id))
    if deleted.scalar() is None:
        raise NotFoundError(f"no login {login_id} of user {viewer.user_id}")


def end_all_logins(session: Session, *, username: str) -> None:
    """End all logins of a person, for example after a change of the password."""
    user_id = select(User.id).where(User.username == username).scalar_subquery()
    session.execute(delete(Login).where(Login.user_id == user_id))


def _active(settings: Settings) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _active_within(settings.login_lifetime_seconds, settings.login_idle_seconds)
