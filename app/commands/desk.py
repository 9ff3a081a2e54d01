"""Owns what every command works with once it runs: settings, the way to the database, the text of the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar, cast

from flask import current_app

from app.database import transact
from app.ledger import check_currency

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from app.database import Sessions
    from app.settings import Settings

Result = TypeVar("Result")
EXTENSION_NAME: Final = "wave-commands"


@dataclass(frozen=True, slots=True)
class Desk:
    """What every command works with."""

    settings: Settings
    sessions: Sessions
    schema_text: Callable[[], str]
    """The public API in GraphQL's schema language."""

    def transact(self, work: Callable[[Session], Result]) -> Result:
        """One unit of work in one transaction, as the app's role. Raises: SettingError for books in another currency."""
        transact(self.sessions, lambda session: check_currency(session, self.settings.currency))
        return transact(self.sessions, work)

    @property
    def owner_url(self) -> str:
        """The address of the database for what only its owner may do; the app's own where no other is set."""
        return self.settings.database_owner_url or self.settings.database_url


def desk() -> Desk:
    """The desk of the running command."""
    return cast("Desk", current_app.extensions[EXTENSION_NAME])
