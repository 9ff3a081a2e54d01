"""Owns moving money many times in one call of one SQL function: one round trip, one commit, one lock of each account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from app.database import NamedRow, PreparedStatement, array_of_texts, array_of_words
from app.errors import HeldBackError, WalletError
from app.ledger.posting import Posting, refusal_of
from app.money import Money

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.orm import Session

    from app.ledger.posting import Kind

# The SQL function refuses more: its locks are held for all of the group, half a second for this many.
MAXIMUM_GROUP_ITEMS: Final = 10_000

POST_MANY: Final = PreparedStatement("post_many", text("""
    SELECT posting.status, posting.amount, posting.source_balance, posting.source_number, posting.destination_number, posting.created_at
    FROM ledger.post_transfers(CAST(:ids AS uuid[]), CAST(:kind AS text), CAST(:sources AS bigint[]), CAST(:destinations AS bigint[]),
        CAST(:amounts AS bigint[]), CAST(:memos AS text[]), CAST(:atomic AS boolean)) AS posting
"""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A transfer that is wanted; the arguments of `post` without the kind, which a group shares."""

    transfer_id: UUID
    source: int
    destination: int
    amount: Money
    memo: str | None


def post_many(session: Session, wishes: Sequence[Wish], *, kind: Kind = "payment", atomic: bool) -> list[Posting | WalletError]:
    """Move each amount once, as if by `post` one after the other in this order, and answer each in its place.

    An amount may be paid from what an earlier one of the group brought. What is refused leaves no trace on the others, unless the
    group is atomic: then one refusal holds back all, and what was fine in itself is a HeldBackError.

    Args:
        wishes: at most MAXIMUM_GROUP_ITEMS, all of one currency.
        atomic: all or none.
    """
    if not wishes:
        return []
    rows = POST_MANY.named_rows(
        session.connection(), kind=kind, atomic=atomic,
        ids=array_of_words(each.transfer_id for each in wishes),
        sources=array_of_words(each.source for each in wishes),
        destinations=array_of_words(each.destination for each in wishes),
        amounts=array_of_words(each.amount.minor_units for each in wishes),
        memos=array_of_texts(each.memo for each in wishes),
    )
    return [_outcome(row, wish) for row, wish in zip(rows, wishes, strict=True)]


def posting_of(row: NamedRow, transfer_id: UUID, amount: Money) -> Posting:
    """What a row with the columns of `ledger.posting` says of the transfer with this id and amount. Raises: why it was refused."""
    if row.status in ("posted", "replayed"):
        return Posting(
            transfer_id=transfer_id, amount=amount, source_balance=Money(row.source_balance, amount.currency_info),
            source_number=row.source_number, destination_number=row.destination_number, created_at=row.created_at,
            replayed=row.status == "replayed",
        )
    if row.status == "held_back":
        raise HeldBackError
    raise refusal_of(row, amount.currency_info)


def _outcome(row: NamedRow, wish: Wish) -> Posting | WalletError:
    try:
        return posting_of(row, wish.transfer_id, wish.amount)
    except WalletError as refusal:
        return refusal
