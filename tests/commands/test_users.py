"""The operator lists people, freezes wallets, gives the badge, and resets passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app import identity
from app.commands import users
from app.database import transact
from app.errors import WrongCredentialsError
from app.identity import Scope

if TYPE_CHECKING:
    from app.database import Sessions
    from app.settings import Settings
    from tests.commands.conftest import Operator
    from tests.conftest import Database

NEW_PASSWORD = "another long test phrase"


def _lets_in(sessions: Sessions, username: str, password: str) -> bool:
    try:
        transact(sessions, lambda session: identity.check_credentials(session, username=username, password=password))
    except WrongCredentialsError:
        return False
    return True


def test_people_are_listed_in_aligned_columns_by_username(operator: Operator, viewer: Any) -> None:
    viewer("bob")
    viewer("alice-in-chains")
    heading, first, second = operator.says("users list").splitlines()
    assert heading.split() == ["USERNAME", "NAME", "BALANCE", "WALLET", "JOINED"]
    assert first.startswith("alice-in-chains  Alice-In-Chains  £1,000.00  open    20")
    assert second.startswith("bob              Bob              £1,000.00  open    20")
    assert first.endswith(" UTC")


def test_the_list_of_people_has_json_output(operator: Operator, viewer: Any) -> None:
    bob = viewer("bob")
    assert operator.json("users list") == [{
        "username": "bob", "display_name": "Bob", "balance": "1000.00", "currency": "GBP", "status": "open",
        "joined_at": bob.joined_at.isoformat(), "is_operator": False,
    }]


def test_a_search_filters_the_list(operator: Operator, viewer: Any) -> None:
    viewer("bob")
    viewer("alice")
    assert [person["username"] for person in operator.json("users list --search", "LIC")] == ["alice"]


def test_an_empty_list_says_so_and_succeeds(operator: Operator) -> None:
    assert operator.says("users list") == "There is nobody yet.\n"
    assert operator.says("users list --search nobody") == "Nobody matches.\n"
    assert operator.json("users list") == []


def test_a_list_continues_after_one_page_and_stops_at_its_limit(
    operator: Operator, viewer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ann", "ben", "cat", "dan", "eve"):
        viewer(name)
    monkeypatch.setattr(users, "PEOPLE_PER_PAGE", 2)
    assert [person["username"] for person in operator.json("users list")] == ["ann", "ben", "cat", "dan", "eve"]
    monkeypatch.setattr(users, "MAXIMUM_PEOPLE_LISTED", 4)
    result = operator.run("users list --json")
    assert result.stdout.count('"username"') == 4
    assert result.stderr == "Only the first 4 are listed. Narrow them down with --search.\n"


def test_one_person_is_shown_with_their_logins_and_tokens(operator: Operator, viewer: Any, sessions: Sessions) -> None:
    alice = viewer("alice")
    transact(sessions, lambda session: identity.create_api_token(session, alice, name="till", scopes=[Scope.READ]))
    lines = dict(line.split(maxsplit=1) for line in operator.says("users show ALICE").splitlines() if "tokens" not in line)
    assert lines["Username"] == "alice"
    assert lines["Balance"] == "£1,000.00"
    assert lines["History"] == "1 entry"
    shown = operator.json("users show alice")
    assert (shown["entry_count"], shown["logins"], shown["api_tokens"], shown["status"]) == (1, 1, 1, "open")


@pytest.mark.parametrize("command", ["show", "freeze", "unfreeze", "reset-password --generate"])
def test_an_unknown_person_is_bad_input(operator: Operator, command: str) -> None:
    assert operator.is_refused(f"users {command} nobody", code=2) == "There is nobody by that username. Check the spelling."


def test_an_invalid_username_is_reported_as_unknown(operator: Operator) -> None:
    for name in ("", "not a name", "Алиса", "x" * 500, "'; DROP TABLE users"):
        assert operator.is_refused("users show", name, code=2) == "There is nobody by that username. Check the spelling."


def test_freezing_twice_says_already_and_succeeds(operator: Operator, viewer: Any) -> None:
    viewer("alice")
    assert operator.says("users freeze alice") == "alice's wallet is now frozen.\n"
    assert operator.says("users freeze alice") == "alice's wallet is already frozen.\n"
    assert operator.json("users list")[0]["status"] == "frozen"
    assert operator.json("users unfreeze alice") == {"username": "alice", "status": "open", "changed": True}
    assert operator.json("users unfreeze alice") == {"username": "alice", "status": "open", "changed": False}


def test_the_badge_is_given_and_removed_and_a_second_time_says_already(operator: Operator, viewer: Any, sessions: Sessions) -> None:
    viewer("desk")
    assert operator.says("users badge Desk") == (
        "desk now has the operator's badge. It may be called what others may not, for example Wave Support: the person says so on the "
        "account page.\n"
    )
    assert operator.says("users badge desk") == "desk already has the operator's badge.\n"
    assert operator.json("users show desk")["is_operator"] is True
    assert "Operator's badge  yes" in operator.says("users show desk")
    desk = viewer("desk")
    transact(sessions, lambda session: identity.change_display_name(session, desk, "Wave Support"))
    assert operator.says("users badge desk --remove") == "desk now has no operator's badge. Shown as desk.\n"
    assert operator.json("users badge desk --remove") == {"username": "desk", "is_operator": False, "changed": False}
    assert "Operator's badge  no" in operator.says("users show desk")
    assert operator.is_refused("users badge nobody-here", code=2) == "There is nobody by that username. Check the spelling."


def test_only_outgoing_payments_are_frozen_with_outgoing(operator: Operator, viewer: Any) -> None:
    viewer("alice")
    assert operator.says("users freeze alice --outgoing") == "alice's wallet is now frozen for what leaves it.\n"
    assert operator.json("users list")[0]["status"] == "outgoing_frozen"
    assert operator.says("users freeze alice") == "alice's wallet is now frozen.\n"
    assert operator.says("users unfreeze alice") == "alice's wallet is now open.\n"


def test_a_password_from_standard_input_works_and_the_old_one_does_not(
    operator: Operator, viewer: Any, sessions: Sessions
) -> None:
    viewer("alice")
    assert _lets_in(sessions, "alice", "a long test phrase")
    said = operator.says("users reset-password alice --stdin", typed=NEW_PASSWORD + "\n")
    assert said == "alice has a new password. Ended 1 login.\n"
    assert _lets_in(sessions, "alice", NEW_PASSWORD)
    assert not _lets_in(sessions, "alice", "a long test phrase")


def test_a_reset_ends_all_logins_of_this_person_only(
    operator: Operator, viewer: Any, sessions: Sessions, settings: Settings
) -> None:
    alice, bob = viewer("alice"), viewer("bob")
    transact(sessions, lambda session: identity.start_login(session, "alice", user_agent=None, settings=settings))
    assert operator.json("users reset-password alice --generate")["logins_ended"] == 2
    assert transact(sessions, lambda session: identity.list_logins(session, alice, settings)) == []
    assert len(transact(sessions, lambda session: identity.list_logins(session, bob, settings))) == 1


def test_a_generated_password_is_printed_once_and_works(operator: Operator, viewer: Any, sessions: Sessions) -> None:
    viewer("alice")
    password = operator.json("users reset-password alice --generate")["password"]
    assert len(password) == 22
    assert _lets_in(sessions, "alice", password)
    again = operator.says("users reset-password alice --generate").splitlines()[-1].removeprefix("Password, shown only now: ")
    assert again != password
    assert _lets_in(sessions, "alice", again)


def test_a_reset_reports_api_tokens_that_stay_valid(operator: Operator, viewer: Any, sessions: Sessions) -> None:
    alice = viewer("alice")
    transact(sessions, lambda session: identity.create_api_token(session, alice, name="till", scopes=[Scope.READ]))
    said = operator.says("users reset-password alice --stdin", typed=NEW_PASSWORD)
    assert "1 API token stays valid: revoke with --revoke-tokens, or the person does on the account page." in said
    assert operator.json("users show alice")["api_tokens"] == 1


def test_a_reset_revokes_all_api_tokens_on_request(operator: Operator, viewer: Any, sessions: Sessions) -> None:
    alice = viewer("alice")
    transact(sessions, lambda session: identity.create_api_token(session, alice, name="till", scopes=[Scope.READ]))
    said = operator.says("users reset-password alice --stdin --revoke-tokens", typed=NEW_PASSWORD)
    assert said == "alice has a new password. Ended 1 login. Revoked 1 API token.\n"
    assert operator.json("users show alice")["api_tokens"] == 0


def test_an_expired_login_is_not_counted(operator: Operator, viewer: Any, database: Database) -> None:
    viewer("alice")
    database.execute("UPDATE logins SET last_seen_at = now() - interval '1 day'")
    assert operator.json("users show alice")["logins"] == 0
    assert operator.json("users reset-password alice --generate")["logins_ended"] == 0


def test_a_weak_password_is_refused_and_changes_nothing(operator: Operator, viewer: Any, sessions: Sessions) -> None:
    viewer("alice")
    for weak in ("", "short", "aaaaaaaaaaaaaaaa", "passwordpassword"):
        operator.is_refused("users reset-password alice --stdin", typed=weak + "\n", code=2)
    assert _lets_in(sessions, "alice", "a long test phrase")
    assert operator.json("users show alice")["logins"] == 1


def test_without_a_terminal_there_is_no_prompt(operator: Operator, viewer: Any) -> None:
    viewer("alice")
    told = operator.is_refused("users reset-password alice", typed=NEW_PASSWORD, code=2)
    assert told == "There is no terminal to ask for the password on. Give --stdin or --generate."


def test_two_sources_of_a_password_are_wrong_usage(operator: Operator, viewer: Any) -> None:
    viewer("alice")
    told = operator.is_refused("users reset-password alice --stdin --generate", typed=NEW_PASSWORD, code=2)
    assert told == "Give either --stdin or --generate."
