"""Owns the usernames that nobody may have again: those of closed accounts, and those that closed accounts get."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.models import RetiredUsername

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# What a closed account is called, with some digits behind it.
NEUTRAL_USERNAME_PREFIX: Final = "closed-"


def is_retired(session: Session, username: str) -> bool:
    """Whether a person who left had this username. Who leaves at this moment is here, or still among the people: look there first."""
    digest = hashlib.sha256(username.encode()).digest()
    return session.scalar(select(RetiredUsername.retired_at).where(RetiredUsername.username_sha256 == digest)) is not None
