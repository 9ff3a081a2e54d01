"""Owns noting which API tokens are in use, beside the work that they are used for: that may neither wait for it nor fail by it."""

from __future__ import annotations

import logging
from asyncio import create_task
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.async_wait import run_on_loop
from app.identity import mark_api_tokens_used

if TYPE_CHECKING:
    from asyncio import Task
    from uuid import UUID

    from sqlalchemy import Engine

log = logging.getLogger(__name__)


class TokenUse:
    """Notes on the event loop where it is used, over one connection at a time.

    Args:
        engine: for an event loop.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._used: set[UUID] = set()
        self._noting: Task[None] | None = None

    def note(self, token_id: UUID) -> None:
        """Have it noted soon that this one was used just now."""
        self._used.add(token_id)
        if self._noting is None or self._noting.done():
            self._noting = create_task(run_on_loop(self._note))

    async def stop(self) -> None:
        """Return when everything that was given before is noted, or could not be."""
        if self._noting is not None:
            await self._noting

    def _note(self) -> None:
        while self._used:
            noted, self._used = self._used, set()
            try:
                with Session(self._engine) as session:
                    mark_api_tokens_used(session, noted)
            except SQLAlchemyError as error:
                log.warning("use of tokens not noted", extra={"tokens": len(noted), "detail": type(error).__name__})
