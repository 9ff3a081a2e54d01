"""A token in a cookie or a header identifies a person until it expires or is revoked. Only its hash is stored."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from app import identity
from app.database import transact
from app.errors import ForbiddenError, InvalidInputError, NotFoundError
from app.identity import Scope
from app.identity.tokens import MAXIMUM_TOKENS_PER_PERSON

if TYPE_CHECKING:
    from app.database import Sessions
    from app.identity import IssuedToken, Viewer
    from app.settings import Settings
    from tests.conftest import Database


def sign_in(sessions: Sessions, username: str, settings: Settings, replaces: str | None = None) -> str:
    agent = "Firefox\x00" + "x" * 300
    return transact(sessions, lambda session: identity.start_login(
        session, username, user_agent=agent, settings=settings, replaces=replaces))


def who(sessions: Sessions, token: str, settings: Settings) -> Viewer | None:
    return transact(sessions, lambda session: identity.viewer_of_login(session, token, settings))


def make_token(sessions: Sessions, viewer: Viewer, name: str = "till", scopes: tuple[Scope, ...] = (Scope.READ,)) -> IssuedToken:
    return transact(sessions, lambda session: identity.create_api_token(session, viewer, name=name, scopes=scopes))


def test_a_login_token_identifies_its_person(sessions: Sessions, settings: Settings, viewer: Any) -> None:
    alice = viewer("alice")
    found = who(sessions, sign_in(sessions, "alice", settings), settings)
    assert found is not None
    assert (found.username, found.account_id, found.scopes) == ("alice", alice.account_id, frozenset(Scope))
    assert who(sessions, "x" * 43, settings) is None
    assert who(sessions, "", settings) is None


def test_each_login_has_a_new_token_of_256_bits_of_which_only_the_hash_is_stored(
    sessions: Sessions, settings: Settings, database: Database, viewer: Any
) -> None:
    viewer("alice")
    tokens = {sign_in(sessions, "alice", settings) for _ in range(3)}
    assert {len(token) for token in tokens} == {43}
    stored = str(database.execute("SELECT * FROM logins"))
    assert not any(token in stored for token in tokens)
    assert database.execute("SELECT DISTINCT octet_length(token_sha256) FROM logins") == [(32,)]
    assert database.execute("SELECT max(length(user_agent)) FROM logins") == [(200,)]


@pytest.mark.parametrize(("column", "setting"), [("created_at", "login_lifetime_seconds"), ("last_seen_at", "login_idle_seconds")])
def test_a_login_ends_by_age_and_by_idleness(
    sessions: Sessions, settings: Settings, database: Database, viewer: Any, column: str, setting: str
) -> None:
    viewer("alice")
    token, limit = sign_in(sessions, "alice", settings), getattr(settings, setting)
    database.execute(f"UPDATE logins SET {column} = now() - interval '{limit - 5} seconds'")
    assert who(sessions, token, settings) is not None
    database.execute(f"UPDATE logins SET {column} = now() - interval '{limit} seconds'")
    assert who(sessions, token, settings) is None


@pytest.mark.parametrize(("column", "setting"), [("created_at", "login_lifetime_seconds"), ("last_seen_at", "login_idle_seconds")])
def test_expired_logins_do_not_count_and_the_next_login_deletes_them(
    sessions: Sessions, settings: Settings, database: Database, viewer: Any, column: str, setting: str
) -> None:
    viewer("alice")
    viewer("bob")
    limit = getattr(settings, setting)
    database.execute(f"UPDATE logins SET {column} = now() - interval '{limit} seconds'")
    assert transact(sessions, lambda session: identity.count_logins(session, username="alice", settings=settings)) == 0
    sign_in(sessions, "alice", settings)
    assert transact(sessions, lambda session: identity.count_logins(session, username="alice", settings=settings)) == 1
    counts = database.execute("SELECT username, count(*) FROM logins JOIN users ON users.id = user_id GROUP BY 1 ORDER BY 1")
    assert counts == [("alice", 1), ("bob", 1)]


def test_a_new_login_ends_the_previous_login_of_the_browser(sessions: Sessions, settings: Settings, viewer: Any) -> None:
    viewer("alice")
    viewer("bob")
    before, elsewhere = sign_in(sessions, "alice", settings), sign_in(sessions, "alice", settings)
    after = sign_in(sessions, "bob", settings, replaces=before)
    assert who(sessions, before, settings) is None
    assert who(sessions, elsewhere, settings) is not None
    assert who(sessions, after, settings) is not None


def test_last_seen_is_written_once_a_minute(sessions: Sessions, settings: Settings, database: Database, viewer: Any) -> None:
    viewer("alice")
    token = sign_in(sessions, "alice", settings)
    for seconds, written in ((50, False), (70, True)):
        database.execute(f"UPDATE logins SET last_seen_at = now() - interval '{seconds} seconds'")
        who(sessions, token, settings)
        assert database.execute("SELECT max(last_seen_at) > now() - interval '10 seconds' FROM logins") == [(written,)]


def test_only_the_owner_lists_and_ends_logins(sessions: Sessions, settings: Settings, viewer: Any) -> None:
    alice, bob = viewer("alice"), viewer("bob")
    token = sign_in(sessions, "alice", settings)
    second = who(sessions, token, settings)
    assert second is not None
    assert second.login_id is not None
    with sessions() as session:
        assert {each.id for each in identity.list_logins(session, alice, settings)} == {alice.login_id, second.login_id}
    for stranger, login in ((bob, second.login_id), (alice, uuid4())):
        with pytest.raises(NotFoundError):
            transact(sessions, partial(identity.end_login, viewer=stranger, login_id=login))
    transact(sessions, partial(identity.end_login, viewer=alice, login_id=second.login_id))
    assert who(sessions, token, settings) is None


def test_all_logins_of_one_person_end_at_once(sessions: Sessions, settings: Settings, viewer: Any) -> None:
    alice, bob = viewer("alice"), viewer("bob")
    token = sign_in(sessions, "alice", settings)
    transact(sessions, lambda session: identity.end_all_logins(session, username="alice"))
    assert who(sessions, token, settings) is None
    with sessions() as session:
        assert identity.list_logins(session, alice, settings) == []
        assert [each.id for each in identity.list_logins(session, bob, settings)] == [bob.login_id]


def test_an_api_token_identifies_its_person_and_scopes(sessions: Sessions, viewer: Any) -> None:
    alice = viewer("alice")
    issued = make_token(sessions, alice, "  the   till ", (Scope.PAY, Scope.READ, Scope.PAY))
    assert issued.secret.startswith("wave_")
    assert (issued.token.name, issued.token.scopes) == ("the till", ["PAY", "READ"])
    found = transact(sessions, lambda session: identity.viewer_of_api_token(session, issued.secret))
    assert found is not None
    assert (found.username, found.scopes, found.login_id) == ("alice", frozenset({Scope.READ, Scope.PAY}), None)
    assert transact(sessions, lambda session: identity.viewer_of_api_token(session, "wave_nothing")) is None


def test_the_use_of_an_api_token_is_stored_and_its_secret_is_not(sessions: Sessions, database: Database, viewer: Any) -> None:
    issued = make_token(sessions, viewer("alice"))
    assert database.execute("SELECT last_used_at FROM api_tokens") == [(None,)]
    for _ in range(2):
        transact(sessions, lambda session: identity.viewer_of_api_token(session, issued.secret))
    assert database.execute("SELECT last_used_at > now() - interval '10 seconds' FROM api_tokens") == [(True,)]
    assert issued.secret not in str(database.execute("SELECT * FROM api_tokens"))


def test_only_the_owner_revokes_an_api_token(sessions: Sessions, viewer: Any) -> None:
    alice, bob = viewer("alice"), viewer("bob")
    issued = make_token(sessions, alice)
    with pytest.raises(NotFoundError):
        transact(sessions, lambda session: identity.revoke_api_token(session, bob, issued.token.id))
    transact(sessions, lambda session: identity.revoke_api_token(session, alice, issued.token.id))
    assert transact(sessions, lambda session: identity.viewer_of_api_token(session, issued.secret)) is None
    with sessions() as session:
        assert identity.list_api_tokens(session, alice) == []


def test_all_tokens_of_one_person_are_revoked_at_once(sessions: Sessions, viewer: Any) -> None:
    alice, bob = viewer("alice"), viewer("bob")
    for owner in (alice, alice, bob):
        make_token(sessions, owner)
    assert transact(sessions, lambda session: identity.count_api_tokens(session, username="alice")) == 2
    assert transact(sessions, lambda session: identity.revoke_all_api_tokens(session, username="alice")) == 2
    assert transact(sessions, lambda session: identity.count_api_tokens(session, username="alice")) == 0
    assert transact(sessions, lambda session: identity.count_api_tokens(session, username="bob")) == 1


@pytest.mark.parametrize(("name", "scopes", "field"), [
    ("", (Scope.READ,), "name"), ("x" * 65, (Scope.READ,), "name"), ("a\x07b", (Scope.READ,), "name"), ("till", (), "scopes"),
])
def test_a_token_has_a_name_and_a_scope(sessions: Sessions, viewer: Any, name: str, scopes: tuple[Scope, ...], field: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        make_token(sessions, viewer("alice"), name, scopes)
    assert refused.value.field == field


def test_the_number_of_tokens_of_a_person_is_limited(sessions: Sessions, viewer: Any) -> None:
    alice = viewer("alice")
    for _ in range(MAXIMUM_TOKENS_PER_PERSON):
        make_token(sessions, alice)
    with pytest.raises(InvalidInputError, match="50 tokens"):
        make_token(sessions, alice)


def test_an_api_token_cannot_change_tokens_logins_or_the_password(sessions: Sessions, settings: Settings, viewer: Any) -> None:
    client = replace(viewer("alice"), login_id=None)
    for forbidden in (
        lambda session: identity.create_api_token(session, client, name="x", scopes=(Scope.PAY,)),
        lambda session: identity.revoke_api_token(session, client, uuid4()),
        lambda session: identity.end_login(session, client, uuid4()),
        lambda session: identity.change_password(session, client, current="a", new="b", settings=settings),
    ):
        with pytest.raises(ForbiddenError):
            transact(sessions, forbidden)
