"""Owns settling payments of many people in one statement: whose each token is, whom each handle names, and what is posted.

The same rules as `paying`, which asks step by step: here the database is asked once, because that is most of what a payment costs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from app import ledger
from app.database import NamedRow, PreparedStatement, array_of_texts, array_of_words
from app.errors import SelfPaymentError, WalletError
from app.identity import USED_AGAIN_SECONDS, Scope, Viewer, scopes_named, unknown_api_token, unknown_person
from app.payments.payment import Payment, shown_to

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import Connection

    from app.money import Money

# What is not allowed is not posted; why it is not, Python tells by the same facts.
ASKED: Final = """
    WITH asked AS (
        SELECT asked.ordinal, asked.transfer_id, asked.amount, asked.memo,
            token.id AS token_id, token.scopes, payer.id AS payer_id, payer.account_id AS source, payer.username AS payer,
            payer.display_name AS payer_display_name, payer.joined_at AS payer_joined_at, payer.is_operator AS payer_is_operator,
            payee.account_id AS destination, payee.username AS payee, payee.display_name AS payee_display_name,
            payee.joined_at AS payee_joined_at, payee.is_operator AS payee_is_operator,
            coalesce(token.last_used_at < now() - make_interval(secs => :used_again_seconds), token.id IS NOT NULL) AS used_long_ago,
            'PAY' = ANY (token.scopes) AND payee.id <> payer.id AS allowed
        FROM unnest(CAST(:digests AS bytea[]), CAST(:handles AS text[]), CAST(:ids AS uuid[]), CAST(:amounts AS bigint[]),
            CAST(:memos AS text[])) WITH ORDINALITY AS asked (digest, handle, transfer_id, amount, memo, ordinal)
        LEFT JOIN api_tokens AS token ON token.token_sha256 = asked.digest
        LEFT JOIN users AS payer ON payer.id = token.user_id
        LEFT JOIN users AS payee ON payee.username = asked.handle
    )"""
# Materialized: once, whatever way the planner joins it.
POSTED_ALONE: Final = """, posted AS MATERIALIZED (
        SELECT asked.ordinal AS asked_as, posting.status, posting.source_balance, posting.source_number,
            posting.destination_number, posting.created_at
        FROM asked
        CROSS JOIN LATERAL ledger.post_transfer(transfer_id, 'payment', source, destination, asked.amount, memo) AS posting
        WHERE asked.allowed
    )"""
POSTED_TOGETHER: Final = """, wanted AS (
        SELECT array_agg(ordinal) AS ordinals, array_agg(transfer_id) AS ids, array_agg(source) AS sources,
            array_agg(destination) AS destinations, array_agg(amount) AS amounts, array_agg(memo) AS memos
        FROM (SELECT * FROM asked WHERE allowed ORDER BY ordinal) AS allowed
        HAVING count(*) > 0
    ), posted AS MATERIALIZED (
        SELECT wanted.ordinals[posting.ordinal] AS asked_as, posting.status, posting.source_balance, posting.source_number,
            posting.destination_number, posting.created_at
        FROM wanted
        CROSS JOIN LATERAL ledger.post_transfers(ids, 'payment', sources, destinations, amounts, memos, false) AS posting
    )"""
FOUND: Final = """
    SELECT asked.token_id, asked.scopes, asked.used_long_ago, asked.payer_id, asked.source, asked.payer, asked.payer_display_name,
        asked.payer_joined_at, asked.payer_is_operator, asked.payee, asked.payee_display_name, asked.payee_joined_at,
        asked.payee_is_operator, asked.amount,
        posted.status, posted.source_balance, posted.source_number, posted.destination_number, posted.created_at
    FROM asked LEFT JOIN posted ON posted.asked_as = asked.ordinal
    ORDER BY asked.ordinal
"""
# A group of one through the function for many would cost twice.
SETTLE_ONE: Final = PreparedStatement("settle_one", text(ASKED + POSTED_ALONE + FOUND))
SETTLE_MANY: Final = PreparedStatement("settle_many", text(ASKED + POSTED_TOGETHER + FOUND))


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A payment that somebody wants to make, with the proof of who they are."""

    token_digest: bytes
    """SHA-256 of the payer's API token."""
    idempotency_key: UUID
    to: str
    """The payee's handle, in lower case."""
    amount: Money
    memo: str | None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an order."""

    viewer: Viewer | None = None
    payment: Payment | None = None
    """As the payer sees it; None when it was refused, or was in the books already and may have been refunded since."""
    payment_id: UUID | None = None
    replayed: bool = False
    failure: Exception | None = None
    token_to_note: UUID | None = None
    """The payer's token, when its use was not noted lately. Noting it is not part of the payment, which may not fail by it."""


def settle(connection: Connection, orders: Sequence[Order]) -> list[Settled]:
    """Find who is meant, and post what may be posted: one statement, however many orders. Each fails or succeeds on its own.

    Args:
        connection: in autocommit.
        orders: all of one currency.
    """
    statement = SETTLE_ONE if len(orders) == 1 else SETTLE_MANY
    rows = statement.named_rows(
        connection, used_again_seconds=USED_AGAIN_SECONDS,
        digests=array_of_texts(f"\\x{each.token_digest.hex()}" for each in orders),
        handles=array_of_texts(each.to for each in orders),
        ids=array_of_words(each.idempotency_key for each in orders),
        amounts=array_of_words(each.amount.minor_units for each in orders),
        memos=array_of_texts(each.memo for each in orders),
    )
    return [
        replace(_settled(order, row), token_to_note=row.token_id) if row.used_long_ago else _settled(order, row)
        for order, row in zip(orders, rows, strict=True)
    ]


def _settled(order: Order, row: NamedRow) -> Settled:
    if row.payer_id is None:
        return Settled(failure=unknown_api_token())
    viewer = Viewer(
        user_id=row.payer_id, account_id=row.source, username=row.payer, display_name=row.payer_display_name,
        joined_at=row.payer_joined_at, is_operator=row.payer_is_operator, scopes=scopes_named(tuple(row.scopes)), login_id=None,
    )
    try:
        _check(viewer, order, row)
        posting = ledger.posting_of(row, order.idempotency_key, order.amount)
    except (WalletError, RuntimeError) as error:
        return Settled(viewer=viewer, failure=error)
    if posting.replayed:
        return Settled(viewer=viewer, payment_id=posting.transfer_id, replayed=True)
    return Settled(viewer=viewer, payment=shown_to(viewer, _payment(order, row, posting)), payment_id=posting.transfer_id)


def _check(viewer: Viewer, order: Order, row: NamedRow) -> None:
    viewer.require(Scope.PAY)
    if row.payee is None:
        raise unknown_person(order.to, field="to")
    if row.payee == viewer.username:
        raise SelfPaymentError(viewer.username)


def _payment(order: Order, row: NamedRow, posting: ledger.Posting) -> Payment:
    return Payment(
        id_text=str(posting.transfer_id), ledger_kind="payment", memo=order.memo, refund_of_text=None, number=posting.source_number,
        signed_minor_units=-posting.amount.minor_units, balance_after_minor_units=posting.source_balance.minor_units,
        created_at=posting.created_at, counterparty_username=row.payee, counterparty_display_name=row.payee_display_name,
        counterparty_joined_at=row.payee_joined_at, counterparty_is_operator=row.payee_is_operator,
        refunded_minor_units=0, currency=posting.amount.currency_info,
    )
