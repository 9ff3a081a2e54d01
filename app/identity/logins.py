"""Owns logins: a browser that proved to be somebody's, until it logs out, is revoked, or its time is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from sqlalchemy import Integer, Interval, and_, bindparam, delete, func, insert, not_, or_, select, update

from app.database import PreparedStatement
from app.errors import NotFoundError
from app.identity.viewer import OF_OWNER, Scope, Viewer, new_token, token_digest
from app.models import Login, User

if TYPE_CHECKING:
    from datetime import timedelta

    from sqlalchemy import BindParameter, ColumnElement
    from sqlalchemy.orm import Session

    from app.settings import Settings

MAXIMUM_USER_AGENT_CHARACTERS: Final = 200
# The one that began longest ago ends when there would be more.
MAXIMUM_LOGINS_PER_PERSON: Final = 100
# last_seen_at is for a list and for the idle time-out, both far coarser than this; a write for each request would be waste.
SEEN_AGAIN_SECONDS: Final = 60
# Whoever finds a browser open an hour later may not make themselves a way in that stays.
RECENT_SECONDS: Final = 300


def _seconds(count: int | BindParameter[int]) -> ColumnElement[timedelta]:
    return func.make_interval(0, 0, 0, 0, 0, 0, count, type_=Interval)


def _alive_within(
    lifetime_seconds: int | BindParameter[int], idle_seconds: int | BindParameter[int]
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Login.created_at > func.now() - _seconds(lifetime_seconds), Login.last_seen_at > func.now() - _seconds(idle_seconds)


OWNER_OF_LOGIN: Final = PreparedStatement("owner_of_login", (
    select(Login.id, Login.last_seen_at < func.now() - _seconds(SEEN_AGAIN_SECONDS), *OF_OWNER)
    .join(User, User.id == Login.user_id)
    .where(
        Login.token_sha256 == bindparam("token_sha256"),
        *_alive_within(bindparam("lifetime_seconds", type_=Integer), bindparam("idle_seconds", type_=Integer)),
    )
))
# A browser's login may do whatever the person may.
ALL_SCOPES: Final = frozenset(Scope)


def start_login(
    session: Session, username: str, *, user_agent: str | None, settings: Settings, replaces: str | None = None
) -> str:
    """Sign this person in; returns the new token for the cookie, stored only as its SHA-256.

    The caller has just checked the password or registered the person. The person's logins whose time is over, or that are too many, end.

    Args:
        replaces: the token that the same browser had until now, whoever's it is; that login ends.
    """
    token = new_token()
    user_id = select(User.id).where(User.username == username).scalar_subquery()
    mine = Login.user_id == user_id
    too_many = select(Login.id).where(mine).order_by(Login.created_at.desc()).offset(MAXIMUM_LOGINS_PER_PERSON - 1)
    session.execute(delete(Login).where(mine, or_(not_(and_(*_alive(settings))), Login.id.in_(too_many))))
    if replaces:
        session.execute(delete(Login).where(Login.token_sha256 == token_digest(replaces)))
    agent = (user_agent or "").replace("\x00", "")[:MAXIMUM_USER_AGENT_CHARACTERS] or None
    session.execute(insert(Login).values(id=uuid4(), user_id=user_id, token_sha256=token_digest(token), user_agent=agent))
    return token


def viewer_of_login(session: Session, token: str, settings: Settings) -> Viewer | None:
    """Who this cookie's token belongs to; None when unknown, revoked or over. All times are the database's clock."""
    found = OWNER_OF_LOGIN.rows(
        session.connection(), token_sha256=token_digest(token), lifetime_seconds=settings.login_lifetime_seconds,
        idle_seconds=settings.login_idle_seconds,
    )
    if not found:
        return None
    ((login_id, seen_long_ago, *owner),) = found
    if seen_long_ago:
        session.execute(update(Login).where(Login.id == login_id).values(last_seen_at=func.now()))
    return Viewer.of_row(owner, scopes=ALL_SCOPES, login_id=login_id)


def logged_in_recently(session: Session, viewer: Viewer) -> bool:
    """Whether this person gave their password within RECENT_SECONDS. Raises: ForbiddenError for an API token."""
    recent = Login.created_at > func.now() - _seconds(RECENT_SECONDS)
    return bool(session.scalar(select(recent).where(Login.id == viewer.require_login())))


def list_logins(session: Session, viewer: Viewer, settings: Settings) -> list[Login]:
    """Where this person is signed in, newest first."""
    alive = select(Login).where(Login.user_id == viewer.user_id, *_alive(settings)).order_by(Login.created_at.desc())
    return list(session.scalars(alive))


def count_logins(session: Session, *, username: str, settings: Settings) -> int:
    """In how many browsers this person is signed in."""
    user_id = select(User.id).where(User.username == username).scalar_subquery()
    return session.scalar(select(func.count()).select_from(Login).where(Login.user_id == user_id, *_alive(settings))) or 0


def end_login(session: Session, viewer: Viewer, login_id: UUID) -> None:
    """Sign one browser of this person out.

    Raises: NotFoundError for a login that is another's or none, ForbiddenError for an API token.
    """
    viewer.require_login()
    gone = session.execute(delete(Login).where(Login.id == login_id, Login.user_id == viewer.user_id).returning(Login.id))
    if gone.scalar() is None:
        raise NotFoundError(f"no login {login_id} of user {viewer.user_id}")


def end_all_logins(session: Session, *, username: str) -> None:
    """Sign a person out everywhere: after a change of password, whoever knew the old one, or had a token of then, is out."""
    user_id = select(User.id).where(User.username == username).scalar_subquery()
    session.execute(delete(Login).where(Login.user_id == user_id))


def _alive(settings: Settings) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _alive_within(settings.login_lifetime_seconds, settings.login_idle_seconds)
