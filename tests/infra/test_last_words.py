"""What the installer tells of a program that failed is the cause, in the words of whoever knew it."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest
from payment_system_release.host import last_words
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from tests.conftest import Database


def told_of(database: Database, statement: str) -> str:
    """The traceback of a statement that fails."""
    engine = create_engine(database.owner_url)
    try:
        with engine.begin() as connection:
            connection.execute(text(statement))
    except SQLAlchemyError:
        return traceback.format_exc()
    finally:
        engine.dispose()
    raise AssertionError(statement)


@pytest.mark.parametrize(("statement", "words"), [
    ("SELECT * FROM nowhere", 'relation "nowhere" does not exist'),
    ("SELECT 1 / 0\nFROM pg_class\nWHERE true", "division by zero"),
    ("CREATE TABLE pg_catalog.mine (a integer)", "permission denied for schema pg_catalog"),
], ids=["no such table", "a statement of several lines", "no right"])
def test_of_the_databases_error_its_own_words_are_told(database: Database, statement: str, words: str) -> None:
    told = told_of(database, statement)
    assert "sqlalche.me" in told
    assert last_words(told) == words


def test_of_a_connection_that_fails_the_drivers_words_are_told() -> None:
    try:
        with create_engine("postgresql+psycopg2://nobody@/nowhere?host=/nowhere").begin():
            pass
    except SQLAlchemyError:
        told = traceback.format_exc()
    assert "sqlalche.me" in told
    assert last_words(told) == (
        'connection to server on socket "/nowhere/.s.PGSQL.5432" failed: No such file or directory')


def test_of_an_error_of_sqlalchemys_own_its_words_are_told_without_the_link(database: Database) -> None:
    engine = create_engine(database.owner_url, pool_size=1, max_overflow=0, pool_timeout=0)
    try:
        with engine.connect(), engine.connect():
            pass
    except SQLAlchemyError:
        told = traceback.format_exc()
    finally:
        engine.dispose()
    assert "sqlalche.me" in told
    assert last_words(told) == (
        "sqlalchemy.exc.TimeoutError: QueuePool limit of size 1 overflow 0 reached, connection timed out, timeout 0.00")


@pytest.mark.parametrize(("text_told", "words"), [
    ("Traceback (most recent call last):\n  File x\nValueError: no such table\n", "ValueError: no such table"),
    ("one\ntwo\n\n", "two"),
    ("", "it said nothing"),
])
def test_of_anything_else_the_last_line_is_told(text_told: str, words: str) -> None:
    assert last_words(text_told) == words
