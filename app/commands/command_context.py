"""Owns what every command uses: settings, database sessions, the text of the API."""

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
class CommandContext:
    """What every command uses."""

    settings: Settings
    sessions: Sessions
    schema_text: Callable[[], str]
    """The public API in GraphQL's schema language."""

    def transact(self, work: Callable[[Session], Result]) -> Result:
        """Run `work` in one transaction, as the app's role. Raises: SettingError if the ledger has another currency."""
        transact(self.sessions, lambda session: check_currency(session, self.settings.currency))
        return transact(self.sessions, work)

    @property
    def owner_url(self) -> str:
        """The database URL of the owner's role; the app's URL if no other is set."""
        return self.settings.database_owner_url or self.settings.database_url


def command_context() -> CommandContext:
    """The context of the running command."""
    return cast("CommandContext", current_app.extensions[EXTENSION_NAME])
