"""Owns seeing together the wallets that are asked for at the same time, each by an API token: one statement, however many.

The same rules as `wallet` and `history`, which ask step by step. Whatever is unusual is left to them. Only reads; knows no HTTP.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, LargeBinary, bindparam, cast, func, literal_column, null, select, union_all
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from app.database import PreparedStatement, array_of_texts, array_of_words, transact
from app.errors import DatabaseUnavailableError
from app.identity import WAS_USED_LONG_AGO, Scope, UseOfTokens, Viewer, scopes_named
from app.models import Account, ApiToken, Entry, User
from app.payments.gathering import Gathering
from app.payments.history import BEYOND_ALL_NUMBERS, PaymentPage
from app.payments.payment import payment_of, select_payments
from app.payments.wallet import wallet_of
from app.waiting import giving_way

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import Connection, Engine

    from app.money import Currency

# What most people ask for; whoever wants more at once asks alone.
MAXIMUM_PAYMENTS_SEEN: Final = 20
MAXIMUM_WALLETS_PER_CALL: Final = 32
# Of a row: which question it belongs to, who asks, and their payment. One row of each question has the second, all others the third.
WHO, PAYMENT = slice(1, 12), slice(12, None)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """Whose wallet is asked for, and which page of its payments."""

    token_digest: bytes
    """SHA-256 of the owner's API token."""
    before_number: int = BEYOND_ALL_NUMBERS
    """The number that the page before ended with."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A wallet and its newest payments before a number, as its owner sees them, at one moment."""

    viewer: Viewer
    page: PaymentPage
    """Of MAXIMUM_PAYMENTS_SEEN."""
    token_to_note: UUID | None
    """The token, when its use was not noted lately."""


class Reader:
    """Answers what is asked by one call at a time, on the event loop where it is used.

    Args:
        engine: for an event loop; one connection of it reads.
        used: told which tokens were used.
    """

    def __init__(self, engine: Engine, used: UseOfTokens, currency: Currency) -> None:
        self._engine = engine
        self._used = used
        self._currency = currency
        self._gathering: Gathering[Question, Seen | DatabaseUnavailableError | None] = Gathering(self._seen, most=MAXIMUM_WALLETS_PER_CALL)

    async def see(self, question: Question) -> Seen | None:
        """The wallet that belongs to the token, by the next call; None when there is a reason not to show it, which `history` tells.

        Raises: DatabaseUnavailableError
        """
        found = await self._gathering.ask(question)
        if isinstance(found, DatabaseUnavailableError):
            raise found
        return found

    async def stop(self) -> None:
        """Return when everything that was asked before is answered."""
        await self._gathering.stop()

    async def _seen(self, questions: Sequence[Question]) -> Sequence[Seen | DatabaseUnavailableError | None]:
        try:
            seen = await giving_way(transact, self._engine.connect, lambda connection: see(connection, questions, self._currency))
        except DatabaseUnavailableError as error:
            return [error] * len(questions)
        except Exception as error:  # noqa: BLE001 - each meets it again by itself, and tells it
            log.warning("wallets", extra={"wallets": len(questions), "detail": str(error)})
            return [None] * len(questions)
        self._used.note(each.token_to_note for each in seen if each and each.token_to_note)
        return seen


def see(connection: Connection, questions: Sequence[Question], currency: Currency) -> list[Seen | None]:
    """The wallet that belongs to each token, one statement for all; None where the token is unknown or may not read.

    Args:
        connection: in autocommit.
    """
    rows = SEE.rows(
        connection,
        digests=array_of_texts(f"\\x{each.token_digest.hex()}" for each in questions),
        before_numbers=array_of_words(each.before_number for each in questions),
    )
    found: list[Seen | None] = [None] * len(questions)
    of_question: list[list[Any]] = [[] for _ in questions]
    for row in rows:
        of_question[row[0] - 1].append(row)
    for place, (who, *payments) in ((place, rows) for place, rows in enumerate(of_question) if rows):
        found[place] = _seen(who[WHO], [row[PAYMENT] for row in payments], currency)
    return found


def _seen(who: Sequence[Any], rows: Sequence[Any], currency: Currency) -> Seen | None:
    (token_id, scopes, used_long_ago, *owner, balance, status) = who
    viewer = Viewer.of_row(owner, scopes=scopes_named(tuple(scopes)), login_id=None)
    if Scope.READ not in viewer.scopes:
        return None
    payments = [payment_of(row, currency) for row in rows]
    page = PaymentPage(
        payments[:MAXIMUM_PAYMENTS_SEEN], more_follow=len(payments) > MAXIMUM_PAYMENTS_SEEN, wallet=wallet_of(balance, status, currency),
    )
    return Seen(viewer, page, token_id if used_long_ago else None)


def _statement() -> PreparedStatement:
    given = func.unnest(
        cast(bindparam("digests"), ARRAY(LargeBinary)), cast(bindparam("before_numbers"), ARRAY(BigInteger)),
    ).table_valued("digest", "before_number", with_ordinality="ordinal").render_derived(name="given")
    asked = (
        select(
            given.c.ordinal, given.c.before_number, ApiToken.id.label("token_id"), ApiToken.scopes, WAS_USED_LONG_AGO.label("used"),
            User.id.label("user_id"), User.account_id, User.username, User.display_name, User.joined_at, User.is_operator,
            Account.balance, Account.status,
        )
        .select_from(given)
        .join(ApiToken, ApiToken.token_sha256 == given.c.digest)
        .join(User, User.id == ApiToken.user_id)
        .join(Account, Account.id == User.account_id)
        .cte("asked")
    )
    # The entries are taken first: no plan can then walk through the rest of them.
    taken = (
        select(Entry).where(Entry.account_id == asked.c.account_id, Entry.number < asked.c.before_number)
        .order_by(Entry.number.desc()).limit(literal_column(str(MAXIMUM_PAYMENTS_SEEN + 1))).lateral("taken")
    )
    page = select_payments(aliased(Entry, taken), asked).add_columns(asked.c.ordinal).subquery("page")
    who = [column for column in asked.c if column.name not in {"ordinal", "before_number"}]
    payments = [column for column in page.c if column.name != "ordinal"]
    return PreparedStatement("see", union_all(
        select(asked.c.ordinal, *who, *(null().label(column.name) for column in payments)),
        select(page.c.ordinal, *(null() for _ in who), *payments),
    ).order_by(literal_column("ordinal"), literal_column("number").desc().nulls_first()))


SEE: Final = _statement()
