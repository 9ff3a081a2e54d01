"""Owns reading wallets with a page of their payments: one statement for a list of requests, from who is asking to the payments."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import BigInteger, LargeBinary, bindparam, cast, func, literal_column, null, select, union_all
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from app.database import PreparedStatement, array_of_bytes, array_of_words
from app.errors import InvalidInputError
from app.identity import LAST_USED_IS_OUTDATED, Scope, Viewer, scopes_named
from app.models import Account, ApiToken, Entry, User
from app.payments.payment import payment_of, select_payments
from app.payments.wallet import wallet_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import Connection

    from app.money import Currency
    from app.payments.payment import Payment
    from app.payments.wallet import Wallet

PAYMENTS_PER_PAGE: Final = 20
MAXIMUM_PAYMENTS_PER_PAGE: Final = 100
# Each size is a plan that every connection keeps. The smallest one that is enough is used.
PREPARED_SIZES: Final = (PAYMENTS_PER_PAGE, MAXIMUM_PAYMENTS_PER_PAGE)
BEYOND_ALL_NUMBERS: Final = 2**63 - 1
# Of a row: which request it belongs to, the wallet with its owner, a payment. One row of each request has the second, all others the third.
WALLET, PAYMENT = slice(1, 12), slice(12, None)


class WalletRequest(NamedTuple):
    """Whose wallet is read, and which page of its payments. The owner is told by an API token, or by the account of a known person."""

    token_digest: bytes | None = None
    """SHA-256 of the owner's API token."""
    account_id: int | None = None
    before_number: int = BEYOND_ALL_NUMBERS
    """The number that the page before ended with."""
    first: int = PAYMENTS_PER_PAGE
    """How many payments the page has at most, 1 to MAXIMUM_PAYMENTS_PER_PAGE."""


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """Some payments, newest first."""

    payments: list[Payment]
    more_follow: bool
    wallet: Wallet | None = None
    """At the same moment; None where a filter leaves anything out."""


@dataclass(frozen=True, slots=True)
class WalletSnapshot:
    """A wallet and a page of its payments, as its owner sees them, at one moment."""

    viewer: Viewer | None
    """The owner, where a token told who it is."""
    page: PaymentPage
    token_to_note: UUID | None
    """The token, when its use was not noted lately."""


def check_page_size(count: int) -> None:
    """Raises: InvalidInputError unless 1 <= count <= MAXIMUM_PAYMENTS_PER_PAGE."""
    if not 1 <= count <= MAXIMUM_PAYMENTS_PER_PAGE:
        raise InvalidInputError(user_message=f"A page has 1 to {MAXIMUM_PAYMENTS_PER_PAGE} payments.", field="first")


def read_wallets(connection: Connection, requests: Sequence[WalletRequest], currency: Currency) -> list[WalletSnapshot | None]:
    """The wallet of each request, in its place; None where the token is unknown or may not read.

    Args:
        connection: of a transaction, or in autocommit.
    """
    size = next(size for size in PREPARED_SIZES if size >= max(each.first for each in requests))
    rows = wallets_statement(size).rows(
        connection,
        digests=array_of_bytes(each.token_digest for each in requests),
        accounts=array_of_words(each.account_id or "NULL" for each in requests),
        before_numbers=array_of_words(each.before_number for each in requests),
    )
    of_request: list[list[Any]] = [[] for _ in requests]
    for row in rows:
        of_request[row[0] - 1].append(row)
    return [_snapshot(request, *found, currency=currency) if found else None for request, found in zip(requests, of_request, strict=True)]


def _snapshot(request: WalletRequest, wallet: Sequence[Any], *rows: Sequence[Any], currency: Currency) -> WalletSnapshot | None:
    token_id, scopes, used_long_ago, *owner, balance, status = wallet[WALLET]
    payments = [payment_of(row[PAYMENT], currency) for row in rows[:request.first]]
    page = PaymentPage(payments, more_follow=len(rows) > request.first, wallet=wallet_of(balance, status, currency))
    if token_id is None:
        return WalletSnapshot(None, page, None)
    viewer = Viewer.of_row(owner, scopes=scopes_named(tuple(scopes)), login_id=None)
    return WalletSnapshot(viewer, page, token_id if used_long_ago else None) if Scope.READ in viewer.scopes else None


@cache
def wallets_statement(size: int) -> PreparedStatement:
    """The statement of `read_wallets`, for pages of up to so many payments. It ends with one more, which tells whether others follow."""
    given = func.unnest(
        cast(bindparam("digests"), ARRAY(LargeBinary)), cast(bindparam("accounts"), ARRAY(BigInteger)),
        cast(bindparam("before_numbers"), ARRAY(BigInteger)),
    ).table_valued("digest", "account_id", "before_number", with_ordinality="ordinal").render_derived(name="given")
    asked = (
        select(
            given.c.ordinal, given.c.before_number, ApiToken.id.label("token_id"), ApiToken.scopes, LAST_USED_IS_OUTDATED.label("used"),
            User.id.label("user_id"), Account.id.label("account_id"), User.username, User.display_name, User.joined_at, User.is_operator,
            Account.balance, Account.status,
        )
        .select_from(given)
        .join(ApiToken, ApiToken.token_sha256 == given.c.digest, isouter=True)
        .join(User, User.id == ApiToken.user_id, isouter=True)
        .join(Account, Account.id == func.coalesce(User.account_id, given.c.account_id))
        .cte("asked")
    )
    # The entries are taken first: no plan can then walk through the rest of them. Their number is a literal, and an int:
    # a plan that is kept would otherwise be made for a tenth of all rows.
    taken = (
        select(Entry).where(Entry.account_id == asked.c.account_id, Entry.number < asked.c.before_number)
        .order_by(Entry.number.desc()).limit(literal_column(str(size + 1))).lateral("taken")
    )
    page = select_payments(aliased(Entry, taken), asked).add_columns(asked.c.ordinal).subquery("page")
    wallet = [column for column in asked.c if column.name not in {"ordinal", "before_number"}]
    payments = [column for column in page.c if column.name != "ordinal"]
    return PreparedStatement(f"read_wallets_{size}", union_all(
        select(asked.c.ordinal, *wallet, *(null().label(column.name) for column in payments)),
        select(page.c.ordinal, *(null() for _ in wallet), *payments),
    ).order_by(literal_column("ordinal"), literal_column("number").desc().nulls_first()))
