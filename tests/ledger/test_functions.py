"""The ledger's functions and triggers are what `schema/ledger` says: a changed text is run again, a change by hand shows and is undone."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app import ledger_functions, migrations
from app.database import transact
from app.schema_version import MIGRATIONS_FOLDER, is_behind

if TYPE_CHECKING:
    from app.database import Sessions
    from tests.conftest import Database
    from tests.ledger.conftest import Book

FREEZE = "CREATE OR REPLACE FUNCTION ledger.set_status(of_account bigint, new_status text) RETURNS boolean LANGUAGE sql AS 'SELECT true'"
# The first number whose functions stand in schema/ledger.
FIRST_OF_TABLES_ALONE = "0008"


def is_due(sessions: Sessions) -> bool:
    return transact(sessions, lambda session: is_behind(session.connection()))


def functions(database: Database) -> list[tuple[str]]:
    return database.execute("SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'ledger'::regnamespace ORDER BY 1")


def test_a_changed_text_is_run_again_once(
    database: Database, sessions: Sessions, book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = book.wallet(100)
    changed = tmp_path / "ledger"
    shutil.copytree(ledger_functions.FOLDER, changed)
    text = (changed / "accounts.sql").read_text(encoding="utf-8")
    (changed / "accounts.sql").write_text(text.replace("RETURN FOUND;", "RETURN NULL; -- a change"), encoding="utf-8")
    assert not is_due(sessions)
    monkeypatch.setattr(ledger_functions, "FOLDER", changed)
    assert is_due(sessions)
    assert migrations.upgrade(database.owner_url) == ["ledger"]
    assert (is_due(sessions), migrations.upgrade(database.owner_url)) == (False, [])
    assert database.execute(f"SELECT ledger.set_status({account}, 'frozen')") == [(None,)]


@pytest.mark.parametrize("change", [
    FREEZE,
    "CREATE FUNCTION ledger.post_transfer(id uuid) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "DROP TRIGGER entries_belong_to_their_transfers ON ledger.entries",
    "GRANT EXECUTE ON FUNCTION ledger.refusal TO payment_system",
    "DROP FUNCTION ledger.refund_transfer",
])
def test_a_change_by_hand_shows_and_is_undone(database: Database, sessions: Sessions, book: Book, change: str) -> None:
    before = functions(database)
    database.execute(change, role="payment_system_owner")
    assert is_due(sessions)
    assert migrations.upgrade(database.owner_url) == ["ledger"]
    assert (is_due(sessions), functions(database)) == (False, before)
    alice, bob = book.wallet(100), book.wallet()
    book.give_back(book.move(alice, bob, 60).transfer_id, bob)
    assert (book.balance(alice), book.broken()) == (100, [])


def test_a_text_that_fails_leaves_everything_as_it_was(
    database: Database, sessions: Sessions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "ledger"
    shutil.copytree(ledger_functions.FOLDER, broken)
    with (broken / "privileges.sql").open("a", encoding="utf-8") as file:
        file.write("SELECT 1 / 0;")
    before = database.execute("SELECT oid, xmin::text FROM pg_proc WHERE pronamespace = 'ledger'::regnamespace ORDER BY oid")
    with monkeypatch.context() as release:
        release.setattr(ledger_functions, "FOLDER", broken)
        with pytest.raises(Exception, match="division by zero"):
            migrations.upgrade(database.owner_url)
    assert database.execute("SELECT oid, xmin::text FROM pg_proc WHERE pronamespace = 'ledger'::regnamespace ORDER BY oid") == before
    assert not is_due(sessions)


def test_a_release_that_was_gone_back_to_leaves_the_newer_functions(database: Database, sessions: Sessions) -> None:
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.execute(FREEZE, role="payment_system_owner")
    assert not is_due(sessions)


def test_each_function_stands_once_and_no_newer_migration_has_one(database: Database) -> None:
    files = (*ledger_functions.FILES, ledger_functions.PRIVILEGES)
    assert {path.stem for path in ledger_functions.FOLDER.glob("*")} == set(files)
    text = "".join((ledger_functions.FOLDER / f"{name}.sql").read_text(encoding="utf-8") for name in files)
    defined = Counter(re.findall(r"CREATE OR REPLACE FUNCTION (ledger\.\w+)\(", text))
    assert len(defined) > 10
    assert set(defined.values()) == {1}
    # A new database has these and no others, though older migrations made some in the same transaction.
    assert {name.partition("(")[0] for name, in functions(database)} == {*defined}
    for path in (MIGRATIONS_FOLDER / "sql").glob("*.sql"):
        if path.name[:4] >= FIRST_OF_TABLES_ALONE:
            assert "FUNCTION" not in path.read_text(encoding="utf-8"), path.name


def test_what_moves_money_is_read_in_one_sitting() -> None:
    texts = [(ledger_functions.FOLDER / f"{name}.sql").read_text(encoding="utf-8") for name in ("transfers", "groups")]
    assert sum(len(text.splitlines()) for text in texts) <= 300
