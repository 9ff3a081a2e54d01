"""Hashing is slow on purpose, so few passwords are hashed at once, and the wait for it is limited."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier, Event, Lock
from typing import TYPE_CHECKING, Any

import pytest

from app.errors import RateLimitedError
from app.identity import hash_password, passwords, verify_password

if TYPE_CHECKING:
    from collections.abc import Callable

PHRASE = "a long test phrase"
pytestmark = pytest.mark.usefixtures("full_price")


def test_at_most_two_passwords_are_hashed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compare, lock, gate = passwords.CONTEXT.verify_and_update, Lock(), Barrier(8)
    under_way, most = 0, 0

    def note(password: str, stored: str) -> Any:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        try:
            return compare(password, stored)
        finally:
            with lock:
                under_way -= 1

    monkeypatch.setattr(passwords.CONTEXT, "verify_and_update", note)
    stored = hash_password(PHRASE)

    def verify(_: int) -> bool:
        gate.wait()
        return all(verify_password(PHRASE, stored)[0] for _ in range(3))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(verify, range(8)))
    assert most == 2


def test_a_hash_that_cannot_start_in_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = hash_password(PHRASE)
    monkeypatch.setattr(passwords, "HASH_WAIT_SECONDS", 0.01)
    both, end = Barrier(passwords.HASHES_AT_ONCE + 1), Event()

    def hash_on_and_on() -> None:
        both.wait()
        end.wait()

    for _ in range(passwords.HASHES_AT_ONCE):
        passwords._hash_threads().submit(hash_on_and_on)
    both.wait()
    try:
        for hashing in (lambda: hash_password(PHRASE), lambda: verify_password(PHRASE, stored), lambda: verify_password(PHRASE, None)):
            with pytest.raises(RateLimitedError):
                hashing()
    finally:
        end.set()
    monkeypatch.undo()
    assert verify_password(PHRASE, stored) == (True, None)


def test_a_hash_that_has_started_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    class AtOnce(ThreadPoolExecutor):
        """Starts a submitted hash before it returns, also on a busy machine."""

        def submit(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
            begun = Event()

            def begin() -> Any:
                begun.set()
                return work(*arguments, **named)

            hashing = super().submit(begin)
            begun.wait()
            return hashing

    stored = hash_password(PHRASE)
    monkeypatch.setattr(passwords, "HASH_WAIT_SECONDS", 0)
    with AtOnce(1) as hashers:
        monkeypatch.setattr(passwords, "_hash_threads", lambda: hashers)
        assert verify_password(PHRASE, stored) == (True, None)


def test_an_unknown_username_is_compared_with_a_hash_of_the_same_cost() -> None:
    # Algorithm, version, memory, passes and lanes.
    assert passwords.DUMMY_HASH.split("$")[1:4] == hash_password(PHRASE).split("$")[1:4] == ["argon2id", "v=19", "m=19456,t=2,p=1"]
    assert verify_password("the password of nobody at all", None) == (False, None)
