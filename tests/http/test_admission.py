"""Password guessing is slow from any address, and attackers do not lock people out of their known places."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest

from app import identity
from app.database import transact
from app.errors import RateLimitedError, WrongCredentialsError
from app.http import RequestContext, admission, admit_login, admit_password, admit_registration, remember_login
from app.http.payment_rate_limit import PAYMENTS_AT_ONCE, SECONDS_A_PAYMENT
from app.identity import passwords
from app.throttles import Rule
from tests.asgi.test_served import ask
from tests.conftest import PASSWORD
from tests.gunicorn import CHECKOUT, Served, serving
from tests.statements import statements_sent
from tests.web.documents import page

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from app.database import Sessions
    from app.settings import Settings
    from tests.conftest import Browsers, Database, Figure

HOME, OFFICE = "203.0.113.7", "198.51.100.1"
LOG_IN = """mutation ($input: LogInInput!) { logIn(input: $input) { viewer { user { username } }
  errors { __typename code message field ... on RateLimitedError { retryAfterSeconds } } } }"""
CHANGE = """mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { done
  errors { code ... on RateLimitedError { retryAfterSeconds } } } }"""
TRIES = 500


def request_context(address: str | None) -> RequestContext:
    return RequestContext(method="POST", path="/login", host="wallet.example", scheme="https", origin=None, sec_fetch_site=None,
                          authorization=None,
                 login_token=None, user_agent=None, remote_address=address)


@pytest.fixture
def admitted(sessions: Sessions, settings: Settings) -> Callable[..., int]:
    """How many of these attempts to log in are admitted: `admitted("alice", HOME, 11)`."""
    def count(username: str, address: str | None, tries: int = 1) -> int:
        through = 0
        for _ in range(tries):
            try:
                transact(sessions, lambda session: admit_login(session, username, request_context(address), settings))
            except RateLimitedError:
                continue
            through += 1
        return through

    return count


def pass_by(database: Database, seconds: float) -> None:
    database.execute(f"UPDATE throttles SET empty_at = empty_at - interval '{seconds} seconds'")


def address(number: int) -> str:
    return f"192.0.{number // 250}.{number % 250 + 1}"


def test_one_account_from_one_place_has_ten_attempts_and_then_one_every_30_seconds(
    admitted: Callable[..., int], database: Database
) -> None:
    assert admitted("alice", HOME, 15) == 10
    pass_by(database, 29)
    assert admitted("alice", HOME) == 0
    pass_by(database, 1)
    assert admitted("alice", HOME, 2) == 1


@pytest.mark.parametrize("written", ["alice", "ALICE", "Alice"])
def test_all_spellings_of_a_username_count_as_one_account(admitted: Callable[..., int], written: str) -> None:
    admitted("alice", HOME, 10)
    assert admitted(written, HOME) == 0


def test_all_invalid_usernames_count_as_one_account(admitted: Callable[..., int]) -> None:
    assert sum(admitted(name, HOME) for name in ("", "no", "ä", "a b", "\x00", "x" * 99, "1", "-", "_", "!", "?", "$")) == 10


def test_one_account_has_fifty_attempts_from_all_unknown_places(admitted: Callable[..., int]) -> None:
    assert sum(admitted("alice", address(number)) for number in range(60)) == 50


def test_one_address_has_sixty_attempts_and_then_one_every_two_seconds(
    admitted: Callable[..., int], database: Database
) -> None:
    found, begun = 0, perf_counter()
    for number in range(70):
        found += admitted(f"person-{number}", HOME)
        pass_by(database, 0.1)  # so that the limit of all logins is not reached
    assert 60 <= found <= 61 + (7 + perf_counter() - begun) / 2
    assert admitted("another", OFFICE) == 1


def test_an_ipv6_network_is_one_place(admitted: Callable[..., int]) -> None:
    assert sum(admitted("alice", f"2001:db8:0:1::{number:x}") for number in range(15)) == 10
    assert admitted("alice", "2001:db8:0:2::1") == 1


def test_all_unknown_places_have_fifty_attempts_and_then_ten_a_second(
    admitted: Callable[..., int], database: Database
) -> None:
    begun = perf_counter()
    found = sum(admitted(f"person-{number}", address(number)) for number in range(100))
    assert 50 <= found <= 51 + (perf_counter() - begun) * 10
    begun = perf_counter()
    pass_by(database, 1)
    assert 10 <= sum(admitted(f"other-{number}", address(100 + number)) for number in range(30)) <= 12 + (perf_counter() - begun) * 10


def test_attackers_cannot_lock_a_person_out_of_a_known_place(
    admitted: Callable[..., int], sessions: Sessions
) -> None:
    transact(sessions, lambda session: remember_login(session, "alice", request_context(HOME)))
    for number in range(80):
        admitted("alice", address(number))
    assert admitted("alice", OFFICE) == 0
    assert admitted("alice", HOME, 12) == 10


def test_one_place_has_twenty_registrations_and_all_places_a_hundred(sessions: Sessions, settings: Settings) -> None:
    def admit(where: str) -> bool:
        try:
            transact(sessions, lambda session: admit_registration(session, request_context(where), settings))
        except RateLimitedError:
            return False
        return True

    assert sum(admit(HOME) for _ in range(25)) == 20
    assert sum(admit(address(number)) for number in range(90)) == 80


def test_a_signed_in_person_has_ten_password_confirmations(sessions: Sessions, settings: Settings, viewer: Any) -> None:
    alice, bob = viewer("alice"), viewer("bob")
    for _ in range(10):
        transact(sessions, lambda session: admit_password(session, alice, settings))
    with pytest.raises(RateLimitedError):
        transact(sessions, lambda session: admit_password(session, alice, settings))
    transact(sessions, lambda session: admit_password(session, bob, settings))


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each hash that is compared."""
    seen: list[str] = []
    compare = passwords.CONTEXT.verify_and_update

    def note(password: str, stored: str) -> Any:
        seen.append(stored)
        return compare(password, stored)

    monkeypatch.setattr(passwords.CONTEXT, "verify_and_update", note)
    return seen


def test_the_api_says_when_to_try_again_and_hashes_nothing(browser: Browsers, client: FlaskClient, hashes: list[str]) -> None:
    browser("alice")
    wrong = {"query": LOG_IN, "variables": {"input": {"username": "alice", "password": "wrong"}}}
    right = {"query": LOG_IN, "variables": {"input": {"username": "alice", "password": PASSWORD}}}
    answers = [client.post("/graphql", json=wrong) for _ in range(10)]
    assert {(each.status_code, each.json["data"]["logIn"]["errors"][0]["code"]) for each in answers if each.json} == {
        (200, "WRONG_CREDENTIALS")}
    assert len(hashes) == 10

    refused = client.post("/graphql", json=right)
    assert refused.json
    assert len(hashes) == 10
    wait = int(refused.headers["Retry-After"])
    assert (refused.status_code, 20 <= wait <= 30) == (429, True)
    assert refused.json["data"]["logIn"] == {"viewer": None, "errors": [{
        "__typename": "RateLimitedError", "code": "RATE_LIMITED", "message": f"That was too often. Try again in {wait} seconds.",
        "field": None, "retryAfterSeconds": wait}]}
    elsewhere = client.post("/graphql", json=right, environ_base={"REMOTE_ADDR": OFFICE})
    assert elsewhere.json
    assert elsewhere.json["data"]["logIn"]["viewer"]
    # A successful login elsewhere does not reset the count.
    assert client.post("/graphql", json=right).status_code == 429


def test_the_pages_say_when_to_try_again_and_hash_nothing(browser: Browsers, client: FlaskClient, hashes: list[str]) -> None:
    alice = browser("alice")
    for _ in range(10):
        assert client.post("/login", data={"username": "alice", "password": "wrong"}).status_code == 401
    refused = client.post("/login", data={"username": "alice", "password": PASSWORD})
    assert len(hashes) == 10
    shown = page(refused, 429)
    assert shown.heading == "Wait a moment"
    assert f"Try again in {refused.headers['Retry-After']} seconds." in shown.text
    form = {"current_password": "wrong", "new_password": "another long phrase of mine"}
    for _ in range(10):
        assert alice.post("/account/password", data=form).status_code == 401
    assert page(alice.post("/account/password", data={**form, "current_password": PASSWORD}), 429).heading == "Wait a moment"
    assert len(hashes) == 20
    refused = alice.post("/graphql", json={"query": CHANGE, "variables": {"input": {"currentPassword": PASSWORD, "newPassword": "x"}}})
    assert refused.json
    assert (refused.status_code, refused.json["data"]["changePassword"]["errors"][0]["code"]) == (429, "RATE_LIMITED")


def test_the_pages_allow_twenty_registrations_from_one_place(client: FlaskClient, database: Database) -> None:
    for number in range(20):
        assert client.post("/register", data={"username": f"person-{number}", "password": "short"}).status_code == 422
    form = {"username": "somebody", "password": PASSWORD}
    assert page(client.post("/register", data=form), 429).heading == "Wait a moment"
    query = f'mutation {{ register(input: {{username: "somebody", password: "{PASSWORD}"}}) {{ errors {{ code }} }} }}'
    refused = client.post("/graphql", json={"query": query})
    assert refused.json
    assert (refused.status_code, refused.json["data"]["register"]["errors"]) == (429, [{"code": "RATE_LIMITED"}])
    assert database.execute("SELECT count(*) FROM users") == [(0,)]


def test_counts_survive_a_restart_and_apply_to_every_process(database: Database, viewer: Any) -> None:
    viewer("alice")
    body = json.dumps({"query": LOG_IN, "variables": {"input": {"username": "alice", "password": "wrong"}}})

    def statuses(served: Served, tries: int) -> list[int]:
        return [ask(served, body)[0] for _ in range(tries)]

    with serving(database.app_url) as served:
        assert statuses(served, 6) == [200] * 6
    with serving(database.app_url) as served:
        assert statuses(served, 6) == [200] * 4 + [429] * 2


@pytest.mark.load
@pytest.mark.usefixtures("full_price")
def test_an_unknown_username_takes_as_long_as_a_known_one(
    sessions: Sessions, settings: Settings, viewer: Any, hashes: list[str], figure: Figure
) -> None:
    """Both run the same hashes and statements and read the same rows. The times of both are printed."""
    viewer("alice")
    generous = replace(settings, throttle_scale=1000)
    took: dict[str, list[float]] = {"alice": [], "nobody-here": []}
    work: dict[str, set[tuple[int, int, int]]] = {name: set() for name in took}

    def try_to_log_in(session: Any, name: str) -> None:
        admit_login(session, name, request_context(HOME), generous)
        identity.check_credentials(session, username=name, password="not the password")

    for _ in range(TRIES):
        for name, times in took.items():
            hashed = len(hashes)
            with statements_sent() as sent:
                begun = perf_counter()
                with pytest.raises(WrongCredentialsError) as refused:
                    transact(sessions, partial(try_to_log_in, name=name))
                times.append((perf_counter() - begun) * 1000)
            assert str(refused.value.user_message) == "The username or the password is not right. Check both and try again."
            work[name].add((len(hashes) - hashed, len(sent), len("".join(sent))))
    assert work["alice"] == work["nobody-here"]
    assert len(work["alice"]) == 1
    medians = {name: median(times) for name, times in took.items()}
    figure(f"login refused, median of {TRIES}: known name {medians['alice']:.2f} ms, unknown name {medians['nobody-here']:.2f} ms, "
           f"{abs(medians['alice'] / medians['nobody-here'] - 1) * 100:.1f} % apart")


def test_security_md_lists_every_rate_limit() -> None:
    rules = [value for name, value in vars(admission).items() if isinstance(value, Rule)]
    table = (CHECKOUT / "SECURITY.md").read_text(encoding="utf-8").partition("## How often what may be tried")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ") and "PostgreSQL" in line]
    wanted = [(rule.attempts, rule.seconds_per_attempt) for rule in rules]
    assert [(int(row[1]), float(row[2].removesuffix(" s"))) for row in rows] == wanted
    assert f"| {PAYMENTS_AT_ONCE:,} | {SECONDS_A_PAYMENT} s | each process |" in table
