"""A rule admits a number of attempts at once, and one more after each interval, exactly, for all processes together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from app.database import transact
from app.errors import RateLimitedError
from app.throttles import Attempt, KnownPlace, Rule, count_attempts, remember_place
from tests.statements import statements_sent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.database import Sessions
    from tests.conftest import Database

FIVE = Rule("five", 5, 60)
TWO = Rule("two", 2, 1000)
PLACE = KnownPlace("known", ("alice", "203.0.113.7"))


def tries(sessions: Sessions, attempts: Sequence[Attempt], count: int = 1, place: KnownPlace | None = None, scale: int = 1) -> list[int]:
    """The wait that each attempt was told."""
    def once() -> int:
        try:
            transact(sessions, lambda session: count_attempts(session, attempts, place=place, scale=scale))
        except RateLimitedError as refused:
            return refused.retry_after_seconds
        return 0

    return [once() for _ in range(count)]


def pass_by(database: Database, seconds: int) -> None:
    """Moves the stored times back, as if this time had passed."""
    database.execute(f"UPDATE throttles SET empty_at = empty_at - interval '{seconds} seconds'")


def test_a_rule_admits_its_attempts_and_tells_the_next_one_how_long_to_wait(sessions: Sessions) -> None:
    assert tries(sessions, [Attempt(FIVE)], 5) == [0] * 5
    (wait,) = tries(sessions, [Attempt(FIVE)])
    assert 55 <= wait <= 60


def test_one_attempt_becomes_free_after_each_interval(sessions: Sessions, database: Database) -> None:
    tries(sessions, [Attempt(FIVE)], 5)
    pass_by(database, 50)
    assert 1 <= tries(sessions, [Attempt(FIVE)])[0] <= 10
    pass_by(database, 10)
    assert [bool(wait) for wait in tries(sessions, [Attempt(FIVE)], 2)] == [False, True]
    pass_by(database, 300)
    assert [bool(wait) for wait in tries(sessions, [Attempt(FIVE)], 6)] == [False] * 5 + [True]


def test_a_refused_attempt_is_not_counted_under_any_rule(sessions: Sessions, database: Database) -> None:
    of_alice = [Attempt(TWO, ("alice",)), Attempt(FIVE)]
    assert [bool(wait) for wait in tries(sessions, of_alice, 20)] == [False] * 2 + [True] * 18
    # Two of five attempts are used, by any key.
    assert [bool(wait) for wait in tries(sessions, [Attempt(FIVE)], 4)] == [False] * 3 + [True]
    before = database.execute("SELECT * FROM throttles ORDER BY rule")
    assert tries(sessions, of_alice, 5)[0] > 900
    assert database.execute("SELECT * FROM throttles ORDER BY rule") == before


def test_each_key_has_its_own_count(sessions: Sessions) -> None:
    assert [bool(wait) for wait in tries(sessions, [Attempt(TWO, ("alice",))], 3)] == [False, False, True]
    assert tries(sessions, [Attempt(TWO, ("bob",))]) == [0]
    assert tries(sessions, [Attempt(TWO, ("ali", "ce"))]) == [0]
    assert tries(sessions, [Attempt(TWO, ("alice",))])[0] > 0


def test_the_scale_multiplies_the_attempts(sessions: Sessions) -> None:
    assert [bool(wait) for wait in tries(sessions, [Attempt(TWO)], 21, scale=10)] == [False] * 20 + [True]
    assert tries(sessions, [Attempt(TWO)], scale=10)[0] <= 100


def test_concurrent_attempts_are_all_counted(sessions: Sessions, database: Database) -> None:
    attempts = [Attempt(Rule("many", 10, 1000), ("alice",)), Attempt(Rule("all", 1000, 1000))]
    with ThreadPoolExecutor(20) as pool:
        waits = [wait for each in pool.map(lambda _: tries(sessions, attempts, 5), range(20)) for wait in each]
    assert sum(wait == 0 for wait in waits) == 10
    # The other rule has counted exactly these attempts.
    ((seconds,),) = database.execute("SELECT extract(epoch FROM empty_at - now())::int FROM throttles WHERE rule = 'all'")
    assert 9_900 < seconds <= 10_000


def test_attempts_from_unknown_places_do_not_block_a_known_place(sessions: Sessions, database: Database) -> None:
    attempts = [Attempt(FIVE, ("alice", "203.0.113.7")), Attempt(TWO, from_unknown_place=True)]
    tries(sessions, [Attempt(TWO)], 2)
    assert tries(sessions, attempts, place=PLACE)[0] > 0
    transact(sessions, lambda session: remember_place(session, PLACE, seconds=1000))
    assert [bool(wait) for wait in tries(sessions, attempts, 6, PLACE)] == [False] * 5 + [True]
    assert tries(sessions, attempts, place=KnownPlace("known", ("bob", "203.0.113.7")))[0] > 0
    database.execute("UPDATE throttles SET empty_at = now() - interval '1 second' WHERE rule = 'known'")
    assert tries(sessions, attempts, place=PLACE)[0] > 0


def test_a_later_login_extends_a_known_place(sessions: Sessions, database: Database) -> None:
    for seconds in (1000, 2000):
        transact(sessions, lambda session, seconds=seconds: remember_place(session, PLACE, seconds=seconds))  # type: ignore[misc] # its default
    assert database.execute("SELECT count(*), max(empty_at) > now() + interval '1990 seconds' FROM throttles") == [(1, True)]


def test_later_attempts_delete_expired_counts(sessions: Sessions, database: Database) -> None:
    for person in range(50):
        tries(sessions, [Attempt(TWO, (str(person),))])
    assert database.execute("SELECT count(*) FROM throttles") == [(50,)]
    pass_by(database, 2000)
    tries(sessions, [Attempt(FIVE)], 3)
    assert database.execute("SELECT rule, count(*) FROM throttles GROUP BY rule") == [("five", 1)]


def test_an_attempt_is_one_statement_and_stores_only_hashes(sessions: Sessions, database: Database) -> None:
    with statements_sent() as sent:
        tries(sessions, [Attempt(TWO, ("alice",)), Attempt(FIVE, ("203.0.113.7",))], place=PLACE)
    assert len(sent) == 1
    stored = str(database.execute("SELECT rule, encode(key, 'escape') FROM throttles"))
    assert "alice" not in stored
    assert "203" not in stored
