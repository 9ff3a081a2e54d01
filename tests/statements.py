"""Owns listening to the statements that this process sends: SQLAlchemy's, and those of prepared statements, which use the driver."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, event

from app.database import PreparedStatement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection


@contextmanager
def each_statement(tell: Callable[[str, dict[str, Any]], None], engine: Engine | None = None) -> Iterator[None]:
    """Call the listener for each statement with its text, and the values of a prepared one.

    Args:
        engine: only of this one.
    """
    rows = PreparedStatement._rows

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        tell(statement, {})

    def note_prepared(self: PreparedStatement, connection: Connection, values: dict[str, object], **options: Any) -> list[Any]:
        if engine in (None, connection.engine):
            tell(str(self.query), values)
        return rows(self, connection, values, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PreparedStatement, "_rows", note_prepared)
        event.listen(engine or Engine, "before_cursor_execute", note)
        try:
            yield
        finally:
            event.remove(engine or Engine, "before_cursor_execute", note)


@contextmanager
def statements_sent(engine: Engine | None = None) -> Iterator[list[str]]:
    """All statements until the context ends."""
    found: list[str] = []
    with each_statement(lambda statement, _values: found.append(statement), engine):
        yield found
