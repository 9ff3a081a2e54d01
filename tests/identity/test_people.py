"""People have unique usernames that do not look alike, and passwords."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from passlib.context import CryptContext
from sqlalchemy import select, update

from app import identity, ledger
from app.database import transact
from app.errors import (
    ForbiddenError,
    InvalidInputError,
    InvalidPasswordError,
    InvalidUsernameError,
    NotFoundError,
    UsernameTakenError,
    WrongCredentialsError,
)
from app.identity import passwords
from app.models import Account, User

if TYPE_CHECKING:
    from app.database import Sessions
    from app.identity import Person
    from app.settings import Settings
    from tests.conftest import Database

PASSWORD = "a long test phrase"


def join(sessions: Sessions, settings: Settings, username: str, password: str = PASSWORD, name: str | None = None) -> Person:
    return transact(sessions, lambda session: identity.register(
        session, username=username, password=password, display_name=name, settings=settings))


def log_in(sessions: Sessions, username: str, password: str) -> Person:
    return transact(sessions, lambda session: identity.check_credentials(session, username=username, password=password))


def test_a_new_person_has_an_open_wallet_with_the_opening_balance(sessions: Sessions, settings: Settings) -> None:
    alice = join(sessions, settings, "Alice", name="  Alice   Liddell ")
    assert (alice.username, alice.display_name) == ("alice", "Alice Liddell")
    with sessions() as session:
        account = session.get_one(Account, alice.account_id)
        assert (account.balance, account.status, account.currency) == (1000_00, "open", "GBP")
        assert ledger.trial_balance(session, settings.currency).balanced


def test_without_an_opening_balance_the_wallet_is_empty(sessions: Sessions, settings: Settings) -> None:
    alice = join(sessions, replace(settings, opening_balance="0"), "alice")
    with sessions() as session:
        assert session.get_one(Account, alice.account_id).balance == 0


@pytest.mark.parametrize("username", ["abc", "a23", "a-_", "a" * 32, "ALICE", "Bob-1"])
def test_a_username_is_changed_to_lower_case(username: str) -> None:
    assert identity.parse_username(username) == username.lower()


ODD_USERNAMES = [
    "", " ", "   ", "ab", "a" * 33, "1abc", "-abc", "_abc", "a b", "@@alice", "@ alice", "alice\x1f", "al.ice", "alice@home", "a/b/c",
    "älice",
    "аlice", "alice\u200b", "ａｌｉｃｅ", "<b>alice</b>", "alice'--", "İstanbul", "\u212aelvin", "\x00abc", "../etc", "🦊🦊🦊",
]


@pytest.mark.parametrize("username", ODD_USERNAMES, ids=[ascii(each)[:24] for each in ODD_USERNAMES])
def test_bug_blank_or_odd_usernames(sessions: Sessions, settings: Settings, username: str) -> None:
    with pytest.raises(InvalidUsernameError) as refused:
        join(sessions, settings, username)
    assert refused.value.field == "username"
    with pytest.raises(NotFoundError), sessions() as session:
        identity.find_person(session, username)


@pytest.mark.parametrize("username", ["admin", "support", "wave", "issuance"])
def test_names_of_the_site_are_reserved(sessions: Sessions, settings: Settings, username: str) -> None:
    with pytest.raises(InvalidUsernameError) as refused:
        join(sessions, settings, username)
    assert refused.value.user_message == (
        f'That username reads as "{username}", which is kept for those who run this wallet. Choose a username without it.'
    )


def test_a_username_belongs_to_one_person_in_any_case(sessions: Sessions, settings: Settings) -> None:
    join(sessions, settings, "alice")
    with pytest.raises(UsernameTakenError):
        join(sessions, settings, "ALICE")


def test_of_many_who_register_a_username_at_once_one_gets_it(sessions: Sessions, settings: Settings, database: Database) -> None:
    def attempt(_: int) -> bool:
        try:
            join(sessions, settings, "alice")
        except UsernameTakenError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1
    assert database.execute("SELECT count(*) FROM users") == [(1,)]
    assert database.execute("SELECT count(*) FROM ledger.accounts WHERE kind = 'wallet'") == [(1,)]


@pytest.mark.parametrize("name", [
    "\u202ealice", "a\u200bb", "a" * 65, "a\x00b", "\u2066x", "\u3164", "\u115f", "\u2800", "\u034f", "\ufe0f", "Bob\u3164", "@bob", "Wave",
    "wa llet", "Operator",
])
def test_a_display_name_that_hides_something_is_refused(sessions: Sessions, settings: Settings, name: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        join(sessions, settings, "alice", name=name)
    assert refused.value.field == "displayName"


@pytest.mark.parametrize(("password", "sentence"), [
    ("elevenchars", "A password has at least 12 characters."),
    ("", "A password has at least 12 characters."),
    ("x" * 1025, "A password has at most 1024 characters."),
    ("password1234", "This password is easy to guess. It is a common password, or close to one."),
    ("waliddell1234", "This password is easy to guess. It is made of the name of this account."),
])
def test_a_password_is_long_and_hard_to_guess(sessions: Sessions, settings: Settings, password: str, sentence: str) -> None:
    with pytest.raises(InvalidPasswordError) as refused:
        join(sessions, settings, "waliddell", password, name="Bob")
    assert refused.value.user_message.startswith(sentence)
    assert password not in refused.value.user_message or not password


@pytest.mark.parametrize("password", [
    "twelve chars", "correct horse battery", "".join(chr(33 + number * 7 % 90) for number in range(1024)),
    "пароль из слов", "🦊 fox and 🐇 hare",
])
def test_a_password_may_have_any_characters(sessions: Sessions, settings: Settings, password: str) -> None:
    join(sessions, settings, "alice", password)
    assert log_in(sessions, "alice", password).username == "alice"


def test_bug_passwords_were_lower_cased(sessions: Sessions, settings: Settings) -> None:
    join(sessions, settings, "alice", "Correct Horse Battery")
    assert log_in(sessions, "Alice", "Correct Horse Battery").username == "alice"
    with pytest.raises(WrongCredentialsError):
        log_in(sessions, "alice", "correct horse battery")


def test_a_password_that_is_shorter_after_composition_logs_in(sessions: Sessions, settings: Settings) -> None:
    decomposed = ("qzevolipux" + "e\u0301a\u0301o\u0301i\u0301u\u0301") * 60
    join(sessions, settings, "alice", decomposed)
    assert log_in(sessions, "alice", decomposed).username == "alice"


def test_a_typed_username_is_not_in_the_log(sessions: Sessions, settings: Settings) -> None:
    join(sessions, settings, "alice")
    for typed, told in (("my secret password", "an unknown name"), ("bob", "an unknown name"), ("ALICE", "alice")):
        with pytest.raises(WrongCredentialsError) as refused:
            log_in(sessions, typed, "not her password")
        assert str(refused.value) == f"login refused for {told}"


def test_the_same_password_from_another_keyboard_is_the_same(sessions: Sessions, settings: Settings) -> None:
    join(sessions, settings, "alice", "caf\u00e9 au lait tous les jours")
    assert log_in(sessions, "alice", "cafe\u0301 au lait tous les jours").username == "alice"


@pytest.mark.parametrize(("username", "password"), [
    ("alice", "not her password"), ("nobody-here", PASSWORD), ("", ""), ("alice", "x" * 5000),
])
def test_an_unknown_username_and_a_wrong_password_have_the_same_message(sessions: Sessions, settings: Settings, username: str,
                                                                        password: str) -> None:
    join(sessions, settings, "alice")
    with pytest.raises(WrongCredentialsError) as refused:
        log_in(sessions, username, password)
    assert (refused.value.user_message, refused.value.field) == (WrongCredentialsError.default_message, "password")


def test_an_unknown_username_needs_a_hash_too(monkeypatch: pytest.MonkeyPatch, sessions: Sessions) -> None:
    hashed: list[tuple[str, str]] = []
    real = passwords.CONTEXT.verify_and_update

    def counted(password: str, stored: str) -> Any:
        hashed.append((password, stored))
        return real(password, stored)

    monkeypatch.setattr(passwords.CONTEXT, "verify_and_update", counted)
    with pytest.raises(WrongCredentialsError):
        log_in(sessions, "nobody-here", PASSWORD)
    assert len(hashed) == 1


@pytest.mark.usefixtures("full_price")
def test_a_password_is_stored_as_argon2id_and_rehashed_when_the_parameters_change(sessions: Sessions, settings: Settings) -> None:
    join(sessions, settings, "alice")
    weaker = CryptContext(schemes=["argon2"], argon2__memory_cost=8192, argon2__rounds=1, argon2__parallelism=1)

    def stored() -> str:
        with sessions() as session:
            return session.scalars(select(User.password_hash)).one()

    assert stored().startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    transact(sessions, lambda session: session.execute(update(User).values(password_hash=weaker.hash(PASSWORD))))
    assert "m=8192" in stored()
    log_in(sessions, "alice", PASSWORD)
    assert stored().startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_password_is_changed_with_the_current_one(sessions: Sessions, settings: Settings, viewer: Any) -> None:
    alice = viewer("alice")

    def change(current: str, new: str) -> None:
        transact(sessions, lambda session: identity.change_password(session, alice, current=current, new=new, settings=settings))

    with pytest.raises(WrongCredentialsError) as wrong:
        change("not her password", "another long phrase")
    assert wrong.value.field == "currentPassword"
    with pytest.raises(InvalidPasswordError) as weak:
        change(PASSWORD, "short")
    assert weak.value.field == "newPassword"
    change(PASSWORD, "another long phrase")
    assert log_in(sessions, "alice", "another long phrase").username == "alice"
    with pytest.raises(WrongCredentialsError):
        log_in(sessions, "alice", PASSWORD)


def test_a_display_name_can_change_and_a_username_cannot(sessions: Sessions, viewer: Any) -> None:
    alice = viewer("alice")
    transact(sessions, lambda session: identity.change_display_name(session, alice, "Alice L."))
    with sessions() as session:
        assert identity.find_person(session, "alice").display_name == "Alice L."
    with pytest.raises(ForbiddenError):
        transact(sessions, lambda session: identity.change_display_name(session, replace(alice, login_id=None), "Mallory"))


def test_the_operator_resets_a_password(sessions: Sessions, settings: Settings) -> None:
    join(sessions, settings, "alice")
    transact(sessions, lambda session: identity.reset_password(session, username="alice", new="another long phrase", settings=settings))
    assert log_in(sessions, "alice", "another long phrase").username == "alice"
    with pytest.raises(NotFoundError):
        transact(sessions, lambda session: identity.reset_password(session, username="bob", new=PASSWORD, settings=settings))


def test_people_are_listed_page_by_page_and_found_by_part_of_either_name(sessions: Sessions, settings: Settings) -> None:
    for username, name in (("carol", "Karl"), ("alice", "Älice 100%"), ("bob_1", None), ("dave", "Alicia")):
        join(sessions, settings, username, name=name)
    with sessions() as session:
        first = identity.list_people(session, first=2)
        assert ([each.username for each in first.people], first.more_follow) == (["alice", "bob_1"], True)
        second = identity.list_people(session, first=2, after="bob_1")
        assert ([each.username for each in second.people], second.more_follow) == (["carol", "dave"], False)
        everyone = ["alice", "bob_1", "carol", "dave"]
        for search, found in (("LIC", ["alice", "dave"]), ("%", ["alice"]), ("_", ["bob_1"]), (" ", everyone)):
            assert [each.username for each in identity.list_people(session, search=search).people] == found
            assert identity.count_people(session, search=search) == len(found)
        for search in ("\x00zz", "x" * 65):
            with pytest.raises(InvalidInputError) as refused:
                identity.list_people(session, search=search)
            assert refused.value.field == "search"


@pytest.mark.parametrize("first", [0, -1, 101])
def test_a_page_of_people_has_a_limit(sessions: Sessions, first: int) -> None:
    with pytest.raises(InvalidInputError), sessions() as session:
        identity.list_people(session, first=first)
