"""Owns filling a database with people and long histories, fast: whole sets by closed formulas, past the ledger's functions and triggers.

The books come out right all the same, which `ledger verify` proves on every one. It writes as the superuser, with triggers off and
without the indexes that it would have to keep up row by row, so it is for databases of a bench or test alone.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import psycopg2

from app.identity import hash_password

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PASSWORD: Final = "several load bearing walls"
CURRENCY: Final = "GBP"
DAYS_OF_A_HISTORY: Final = 50
OPENING: Final = 10**11
"""What everybody is given: enough for a payment of any run, in pence."""
ROWS_AT_A_TIME: Final = 500_000
TOKEN_PREFIX: Final = "wave_load_"
KEYED: Final = ("ledger.transfers", "ledger.entries")

# Without -c options a superuser's session would check each row by trigger and write each index in random order.
FAST: Final = """
    SET session_replication_role = replica; SET maintenance_work_mem = '1GB'; SET work_mem = '256MB'; SET synchronous_commit = off
"""

PEOPLE: Final = """
    WITH opened AS (
        INSERT INTO ledger.accounts (kind, currency, created_at)
        SELECT 'wallet', %(currency)s, now() - interval '400 days' FROM generate_series(1, %(count)s) RETURNING id
    ), numbered AS (
        SELECT id, row_number() OVER (ORDER BY id) AS place FROM opened
    ), joined AS (
        INSERT INTO users (username, display_name, password_hash, account_id)
        SELECT name, initcap(name), %(password_hash)s, id
        FROM numbered CROSS JOIN LATERAL (SELECT %(prefix)s || to_char(place, 'FM00000') AS name) AS named
        RETURNING id, username
    ), secrets AS (
        SELECT id, sha256(convert_to(%(token_prefix)s || username, 'UTF8')) AS token_sha256 FROM joined
    ), signed_in AS (
        INSERT INTO logins (id, user_id, token_sha256) SELECT gen_random_uuid(), id, token_sha256 FROM secrets
    )
    INSERT INTO api_tokens (id, user_id, name, scopes, token_sha256)
    SELECT gen_random_uuid(), id, 'load', ARRAY['READ', 'PAY'], token_sha256 FROM secrets
"""

# Everybody's first entry: the opening balance, from issuance, whose own balance goes down by it each time.
OPENINGS: Final = """
    WITH moves AS MATERIALIZED (
        SELECT gen_random_uuid() AS id, a.id AS wallet, issuance.id AS issuance, row_number() OVER (ORDER BY a.id) AS place,
            issuance.entry_count + row_number() OVER (ORDER BY a.id) AS number, issuance.balance AS before,
            now() - interval '400 days' + row_number() OVER (ORDER BY a.id) * interval '1 microsecond' AS at
        FROM ledger.accounts a CROSS JOIN (SELECT * FROM ledger.accounts WHERE kind = 'issuance') AS issuance
        WHERE a.kind = 'wallet' AND a.entry_count = 0
    ), transfers AS (
        INSERT INTO ledger.transfers (id, kind, source, destination, amount, source_number, destination_number, created_at)
        SELECT id, 'issue', issuance, wallet, %(opening)s, number, 1, at FROM moves
    )
    INSERT INTO ledger.entries (account_id, number, transfer_id, amount, balance_after, created_at)
    SELECT side.* FROM moves CROSS JOIN LATERAL (VALUES
        (issuance, number, id, -%(opening)s, before - place * %(opening)s, at),
        (wallet, 1::bigint, id, %(opening)s, %(opening)s, at)) AS side
"""

# One account's history with all people in turn: in one round each pays it, in the next it pays each back. So every balance after is
# a formula of the place: person p (0, 1, …) moves 100 + p pence, and p + 1 people move (p + 1) * 100 + p * (p + 1) / 2.
MOVES: Final = """
    WITH moves AS MATERIALIZED (
        SELECT gen_random_uuid() AS id, person.id AS person, arrives, 100 + turn AS amount,
            person.entry_count + round + 1 AS person_number,
            person.balance - CASE WHEN arrives THEN 100 + turn ELSE 0 END AS person_balance,
            hub.id AS hub, hub.entry_count + place + 1 AS hub_number,
            hub.balance + CASE WHEN arrives THEN moved ELSE moved_by_all - moved END AS hub_balance,
            now() - make_interval(days => %(days_ago)s) + place * (make_interval(days => %(days)s) / %(entries)s) AS at
        FROM generate_series(%(low)s::bigint, %(high)s::bigint) AS place
        CROSS JOIN LATERAL (SELECT place / %(people)s AS round, place %% %(people)s AS turn, place / %(people)s %% 2 = 0 AS arrives) AS r
        CROSS JOIN LATERAL (SELECT (turn + 1) * 100 + turn * (turn + 1) / 2 AS moved,
            %(people)s::bigint * 100 + (%(people)s - 1)::bigint * %(people)s / 2 AS moved_by_all) AS m
        JOIN ledger.accounts AS person ON person.id = %(first_person)s + turn
        JOIN ledger.accounts AS hub ON hub.id = %(hub)s
    ), transfers AS (
        INSERT INTO ledger.transfers (id, kind, source, destination, amount, source_number, destination_number, created_at)
        SELECT id, 'payment', CASE WHEN arrives THEN person ELSE hub END, CASE WHEN arrives THEN hub ELSE person END, amount,
            CASE WHEN arrives THEN person_number ELSE hub_number END, CASE WHEN arrives THEN hub_number ELSE person_number END, at
        FROM moves
    )
    INSERT INTO ledger.entries (account_id, number, transfer_id, amount, balance_after, created_at)
    SELECT side.* FROM moves CROSS JOIN LATERAL (VALUES
        (person, person_number, id, CASE WHEN arrives THEN -amount ELSE amount END, person_balance, at),
        (hub, hub_number, id, CASE WHEN arrives THEN amount ELSE -amount END, hub_balance, at)) AS side
"""

SETTLE: Final = """
    UPDATE ledger.accounts AS a SET balance = last.balance_after, entry_count = last.number, last_entry_at = last.created_at
    FROM ledger.accounts AS b CROSS JOIN LATERAL (
        SELECT number, balance_after, created_at FROM ledger.entries WHERE account_id = b.id ORDER BY number DESC LIMIT 1) AS last
    WHERE a.id = b.id AND a.entry_count <> last.number
"""

PRIMARY_KEYS: Final = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype = 'p' AND conrelid = ANY (%s::regclass[])
"""


class Filling:
    """A migrated, empty database being filled.

    Args:
        superuser_url: its address, as libpq takes it.
        say: told what is being made.
    """

    def __init__(self, superuser_url: str, say: Callable[[str], None] = lambda _: None) -> None:
        self._connection = psycopg2.connect(superuser_url)
        self._connection.autocommit = True
        self._say = say
        self._people = 0
        self._first_person = 0
        self._hubs = 0
        self._run(FAST)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._connection.close()

    def people(self, count: int, *, prefix: str = "p") -> None:
        """Make people with a wallet of OPENING, the password PASSWORD, a token that may read and pay, and a login with the same secret."""
        self._run("SELECT ledger.issuance_account(%s)", CURRENCY)
        self._run(PEOPLE, currency=CURRENCY, count=count, prefix=prefix, token_prefix=TOKEN_PREFIX, password_hash=hash_password(PASSWORD))
        if not self._people:
            self._people = count
            self._first_person = self._account(f"{prefix}00001")
        with self._without_keys():
            self._run(OPENINGS, opening=OPENING)
        self._run(SETTLE)

    def history(self, entries: int, *, days_ago: int | None = None) -> str:
        """Make one more person, whose wallet has this many entries with the people that were made first; returns the username.

        Args:
            days_ago: when the DAYS_OF_A_HISTORY begin in which they were made. By default each history is before those made later.
        """
        self._hubs += 1
        prefix = f"hub{self._hubs}-"
        self.people(1, prefix=prefix)
        hub = self._account(f"{prefix}00001")
        with self._without_keys():
            for low in range(0, entries - 1, ROWS_AT_A_TIME):
                self._say(f"{prefix}00001: {low:,} of {entries:,} entries")
                self._run(
                    MOVES, low=low, high=min(low + ROWS_AT_A_TIME, entries - 1) - 1, people=self._people, entries=entries, hub=hub,
                    first_person=self._first_person, days_ago=days_ago or 390 - 60 * self._hubs, days=DAYS_OF_A_HISTORY,
                )
        self._run(SETTLE)
        return f"{prefix}00001"

    def finish(self) -> None:
        """Leave the tables as years of autovacuum would: all rows frozen, the planner's figures fresh."""
        self._run("VACUUM (FREEZE, ANALYZE)")

    def _account(self, username: str) -> int:
        return int(self._run("SELECT account_id FROM users WHERE username = %s", username)[0][0])

    @contextmanager
    def _without_keys(self) -> Iterator[None]:
        """Drop the primary keys and build them again from the finished tables, as the catalogue describes them."""
        keys = self._run(PRIMARY_KEYS, list(KEYED))
        for table, name, _ in keys:
            self._run(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        yield
        for table, name, definition in keys:
            self._run(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")

    def _run(self, statement: str, *values: object, **named: object) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, named or values or None)
            return cursor.fetchall() if cursor.description else []


def token_of(username: str) -> str:
    """The API token of somebody made here, and what their browser has in its cookie."""
    return TOKEN_PREFIX + username
