"""The generator of long histories: what it makes are true books."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app import ledger
from tests.load.history import Filling

if TYPE_CHECKING:
    from app.database import Sessions
    from tests.conftest import Database


def test_generated_books_balance_in_every_respect(database: Database, sessions: Sessions) -> None:
    with Filling(database.superuser_url.replace("+psycopg2", "")) as filling:
        filling.people(30)
        filling.history(1_000)
        filling.history(10_000)
        filling.finish()
    with sessions() as session:
        assert ledger.verify(session) == []
    counts = database.execute("""SELECT username, entry_count FROM users JOIN ledger.accounts a ON a.id = account_id
        WHERE username LIKE 'hub%' ORDER BY 1""")
    assert counts == [("hub1-00001", 1_000), ("hub2-00001", 10_000)]
    backwards = database.execute("""SELECT count(*) FROM (SELECT created_at < lag(created_at)
        OVER (PARTITION BY account_id ORDER BY number) AS back FROM ledger.entries) AS e WHERE back""")
    assert backwards == [(0,)]
