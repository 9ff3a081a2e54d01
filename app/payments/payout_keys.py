"""Owns the keys of payouts by files: the same payments from the same wallet have the same key, so a file sent again pays nothing twice.

Nothing is kept of a file: that it was paid before, its payments in the books tell.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from sqlalchemy import select

from app.models import Entry
from app.payments.payout_file import payments_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from app.payments.payout_file import PayoutLine

NOTHING: UUID = UUID(int=0)


def key_of_content(session: Session, payer: int, lines: Iterable[PayoutLine]) -> UUID:
    """The key of these payments, in whatever order, kind of file or encoding they were written.

    Args:
        payer: account id of the wallet to pay from.
    """
    content = json.dumps([payer, sorted(each.content for each in payments_of(lines))])
    # With the id of the wallet's first transfer, which is random: nobody else can work out a key and use it up before.
    first = session.scalar(select(Entry.transfer_id).where(Entry.account_id == payer, Entry.number == 1))
    return uuid5(first or NOTHING, hashlib.sha256(content.encode()).hexdigest())


def key_again(content: UUID, intent: UUID) -> UUID:
    """The key to pay the same payments once more.

    Args:
        content: what `key_of_content` says.
        intent: made once for each time that this is meant.
    """
    return uuid5(intent, str(content))
