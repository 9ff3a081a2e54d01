"""Owns the usernames of closed accounts, which nobody may have again, and the prefix of their neutral usernames."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.models import RetiredUsername

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# A closed account is named so, with some digits after it.
NEUTRAL_USERNAME_PREFIX: Final = "closed-"


def is_username_retired(session: Session, username: str) -> bool:
    """Whether a closed account had this username. Check `users` first: an account that is just being closed is in one of the two."""
    digest = hashlib.sha256(username.encode()).digest()
    return session.scalar(select(RetiredUsername.retired_at).where(RetiredUsername.username_sha256 == digest)) is not None
