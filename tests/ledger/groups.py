"""Owns posting a group in the ledger's tests: the SQL function for many transfers, called by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from app.database import array_of_texts, array_of_words
from app.errors import WalletError
from app.ledger import Posting, posting_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.orm import Session

    from app.ledger import Kind
    from app.money import Money

POST_MANY = text("""
    SELECT posting.* FROM ledger.post_transfers(CAST(:ids AS uuid[]), :kind, CAST(:sources AS bigint[]), CAST(:destinations AS bigint[]),
        CAST(:amounts AS bigint[]), CAST(:memos AS text[]), :atomic) AS posting
""")


class TransferRequest(NamedTuple):
    """A transfer that is wanted; the arguments of `ledger.post` without the kind, which a group shares."""

    transfer_id: UUID
    source: int
    destination: int
    amount: Money
    memo: str | None


def post_many(
    session: Session, requests: Sequence[TransferRequest], *, kind: Kind = "payment", atomic: bool
) -> list[Posting | WalletError]:
    """What became of each, in its place."""
    rows = session.execute(POST_MANY, {
        "kind": kind, "atomic": atomic, "ids": array_of_words(each.transfer_id for each in requests),
        "sources": array_of_words(each.source for each in requests),
        "destinations": array_of_words(each.destination for each in requests),
        "amounts": array_of_words(each.amount.minor_units for each in requests),
        "memos": array_of_texts(each.memo for each in requests),
    }).all()
    return [_outcome(row, request) for row, request in zip(rows, requests, strict=True)]


def _outcome(row: Any, request: TransferRequest) -> Posting | WalletError:
    try:
        return posting_of(row, request.transfer_id, request.amount.currency_info)
    except WalletError as refusal:
        return refusal
