"""Owns sending payments: one statement for a list of orders, from who is asking to what is in the books.

PostgreSQL decides whether an order is refused, and why. Python turns the status into its error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import text

from app import ledger
from app.database import NamedRow, PreparedStatement, array_of_bytes, array_of_texts, array_of_words
from app.errors import SelfPaymentError, WalletError
from app.identity import (
    LAST_USED_INTERVAL_SECONDS,
    Scope,
    Viewer,
    normalized_username,
    scope_missing,
    scopes_named,
    unknown_api_token,
    unknown_person,
)
from app.payments.payment import Payment, shown_to

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self
    from uuid import UUID

    from sqlalchemy import Connection

    from app.money import Money

# An order that is refused here takes its place in the group as a transfer of nobody's, which the ledger refuses:
# so it holds back an atomic group, and no account is locked for it.
SEND_PAYMENTS: Final = PreparedStatement("send_payments", text("""
    WITH asked AS (
        SELECT given.ordinal, given.transfer_id, given.amount, given.memo, token.id AS token_id, token.scopes,
            coalesce(token.last_used_at < now() - make_interval(secs => :used_again_seconds), token.id IS NOT NULL) AS used_long_ago,
            payer.id AS payer_id, payer.username AS payer, payer.display_name AS payer_display_name, payer.joined_at AS payer_joined_at,
            payer.is_operator AS payer_is_operator, coalesce(payer.account_id, given.account_id) AS source,
            payee.account_id AS destination, payee.username AS payee, payee.display_name AS payee_display_name,
            payee.joined_at AS payee_joined_at, payee.is_operator AS payee_is_operator,
            CASE WHEN coalesce(payer.account_id, given.account_id) IS NULL THEN 'unknown_token'
                WHEN NOT coalesce('PAY' = ANY (token.scopes), given.may_pay) THEN 'scope_missing'
                WHEN payee.id IS NULL THEN 'unknown_payee'
                WHEN payee.account_id = coalesce(payer.account_id, given.account_id) THEN 'self_payment' END AS refusal
        FROM unnest(CAST(:digests AS bytea[]), CAST(:accounts AS bigint[]), CAST(:may_pay AS boolean[]), CAST(:handles AS text[]),
            CAST(:ids AS uuid[]), CAST(:amounts AS bigint[]), CAST(:memos AS text[])) WITH ORDINALITY
            AS given (digest, account_id, may_pay, handle, transfer_id, amount, memo, ordinal)
        LEFT JOIN api_tokens AS token ON token.token_sha256 = given.digest
        LEFT JOIN users AS payer ON payer.id = token.user_id
        LEFT JOIN users AS payee ON payee.username = given.handle
    ), wanted AS (
        SELECT array_agg(CASE WHEN refusal IS NULL THEN transfer_id END) AS ids,
            array_agg(CASE WHEN refusal IS NULL THEN source END) AS sources,
            array_agg(CASE WHEN refusal IS NULL THEN destination END) AS destinations,
            array_agg(amount) AS amounts, array_agg(memo) AS memos
        FROM (SELECT * FROM asked ORDER BY ordinal) AS in_order
    ), posted AS MATERIALIZED (
        SELECT posting.*
        FROM wanted CROSS JOIN LATERAL
            ledger.post_transfers(ids, 'payment', sources, destinations, amounts, memos, CAST(:atomic AS boolean)) AS posting
    )
    SELECT asked.token_id, asked.scopes, asked.used_long_ago, asked.payer_id, asked.source, asked.payer, asked.payer_display_name,
        asked.payer_joined_at, asked.payer_is_operator, asked.payee, asked.payee_display_name, asked.payee_joined_at,
        asked.payee_is_operator, asked.amount, coalesce(asked.refusal, posted.status) AS status,
        posted.source_balance, posted.source_number, posted.destination_number, posted.created_at
    FROM asked JOIN posted ON posted.ordinal = asked.ordinal
    ORDER BY asked.ordinal
"""))


class Payer(NamedTuple):
    """Who is asking for a payment: whoever an API token belongs to, or a person who is known already."""

    token_digest: bytes | None = None
    """SHA-256 of an API token, which has to have the scope PAY."""
    account_id: int | None = None
    """The account of a person who is known."""
    may_pay: bool = True
    """Whether that person's way in has the scope PAY."""

    @classmethod
    def of(cls, viewer: Viewer) -> Self:
        """The person who is signed in."""
        return cls(account_id=viewer.account_id, may_pay=Scope.PAY in viewer.scopes)


class Order(NamedTuple):
    """A payment that somebody wants to make."""

    idempotency_key: UUID
    to: str
    """The payee's handle, as it was written."""
    amount: Money
    memo: str | None
    """It has been through `parse_memo`."""


class Sent(NamedTuple):
    """What became of an order: it is in the books, or `failure` says why not."""

    order: Order
    row: NamedRow
    posting: ledger.Posting | None
    failure: WalletError | RuntimeError | None

    @classmethod
    def of_row(cls, order: Order, row: NamedRow) -> Self:
        """What a row of the statement says of its order."""
        try:
            return cls(order, row, _posting(order, row), None)
        except (WalletError, RuntimeError) as failure:
            return cls(order, row, None, failure)

    @property
    def viewer(self) -> Viewer | None:
        """The payer, where a token told who it is; None for a token that is nobody's."""
        row = self.row
        return None if row.payer_id is None else Viewer(
            user_id=row.payer_id, account_id=row.source, username=row.payer, display_name=row.payer_display_name,
            joined_at=row.payer_joined_at, is_operator=row.payer_is_operator, scopes=scopes_named(tuple(row.scopes)), login_id=None,
        )

    @property
    def token_to_note(self) -> UUID | None:
        """The payer's token, when its use was not noted lately. Noting it is not part of the payment, which may not fail by it."""
        token_id: UUID | None = self.row.token_id if self.row.used_long_ago else None
        return token_id

    def made(self) -> ledger.Posting:
        """What is in the books. Raises: `failure`."""
        if self.posting is None:
            raise self.failure or RuntimeError("an order without an outcome")
        return self.posting

    def payment_of(self, viewer: Viewer) -> Payment | None:
        """The payment as its payer sees it; None where it was made before, since it may have been refunded meanwhile."""
        posting, row = self.made(), self.row
        return None if posting.replayed else shown_to(viewer, Payment(
            id_text=str(posting.transfer_id), ledger_kind="payment", memo=self.order.memo, refund_of_text=None,
            number=posting.source_number, signed_minor_units=-posting.amount.minor_units,
            balance_after_minor_units=posting.source_balance.minor_units, created_at=posting.created_at,
            counterparty_username=row.payee, counterparty_display_name=row.payee_display_name,
            counterparty_joined_at=row.payee_joined_at, counterparty_is_operator=row.payee_is_operator,
            refunded_minor_units=0, currency=posting.amount.currency_info,
        ))


def send_payments(connection: Connection, orders: Sequence[tuple[Payer, Order]], *, atomic: bool = False) -> list[Sent]:
    """Find who is meant, and post what may be posted, once for each idempotency key: one statement, however many orders.

    Args:
        connection: of a transaction, or in autocommit.
        orders: each with who is asking; 1 to MAXIMUM_PAYOUT_ITEMS, all of one currency. An amount may be paid from what an earlier
            one brought.
        atomic: all or none. Otherwise each fails or succeeds on its own, as if they were sent one after the other.
    """
    rows = SEND_PAYMENTS.named_rows(
        connection, used_again_seconds=LAST_USED_INTERVAL_SECONDS, atomic=atomic,
        digests=array_of_bytes(payer.token_digest for payer, _ in orders),
        accounts=array_of_words(payer.account_id or "NULL" for payer, _ in orders),
        may_pay=array_of_words(payer.may_pay for payer, _ in orders),
        handles=array_of_texts(normalized_username(order.to) for _, order in orders),
        ids=array_of_words(order.idempotency_key for _, order in orders),
        amounts=array_of_words(order.amount.minor_units for _, order in orders),
        memos=array_of_texts(order.memo for _, order in orders),
    )
    return [Sent.of_row(order, row) for (_, order), row in zip(orders, rows, strict=True)]


def _posting(order: Order, row: NamedRow) -> ledger.Posting:
    match row.status:
        case "unknown_token":
            raise unknown_api_token()
        case "scope_missing":
            raise scope_missing(Scope.PAY)
        case "unknown_payee":
            raise unknown_person(order.to, field="to")
        case "self_payment":
            raise SelfPaymentError(row.payee)
        case _:
            return ledger.posting_of(row, order.idempotency_key, order.amount.currency_info)
