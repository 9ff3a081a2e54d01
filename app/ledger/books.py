"""Owns the question whether the books balance: the trial balance, and the check of every invariant. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import select, text

from app.database import PreparedStatement
from app.errors import SettingError
from app.models import Account
from app.money import Currency, Money
from app.settings import setting_name, where_set

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.orm import Session

# Enough to see what happened; a break of everything should not print everything.
BREAKS_SHOWN_PER_INVARIANT: Final = 5


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """The whole ledger in a few figures, all of one moment."""

    issued: Money
    held_by_people: Money
    wallets: int
    transfers: int
    checked_at: datetime

    @property
    def balanced(self) -> bool:
        """Whether all that was issued is held by people, to the last minor unit."""
        return self.issued == self.held_by_people


@dataclass(frozen=True, slots=True)
class Break:
    """One place where an invariant does not hold."""

    invariant: str
    detail: str


def check_currency(session: Session, currency: Currency) -> None:
    """Raises: SettingError when these books are in another currency than the one that is set."""
    begun_with = session.scalar(select(Account.currency).order_by(Account.id).limit(1))
    if begun_with not in (None, currency.code):
        name = setting_name("currency", None)
        raise SettingError(
            f"{where_set(name)}the books are in {begun_with}, but {name} is {currency.code}: set it to {begun_with}"
        )


class Invariant(NamedTuple):
    """A sentence that is always true of the ledger, and the query of its exceptions: one text column, one row each."""

    sentence: str
    exceptions: str


# One statement, so one snapshot: transfers under way are in it wholly or not at all. Transfers are counted by their entries, two
# each, which needs no walk through history. As numeric: of books that are broken the sums may be beyond a bigint, and are told too.
TRIAL_BALANCE: Final = PreparedStatement("trial_balance", text("""
    SELECT coalesce(-sum(balance) FILTER (WHERE kind = 'issuance'), 0) AS issued,
           coalesce(sum(balance) FILTER (WHERE kind = 'wallet'), 0) AS held,
           count(*) FILTER (WHERE kind = 'wallet') AS wallets,
           (coalesce(sum(entry_count), 0) / 2)::bigint AS transfers,
           clock_timestamp() AS checked_at
    FROM ledger.accounts WHERE currency = :currency
"""))

# Source: docs/how-it-works.md, "How money is kept safe", which each of these asks the books.
INVARIANTS: Final = (
    Invariant("the balances of each currency sum to zero", """
        SELECT format('%s: the sum is %s', currency, sum(balance))
        FROM ledger.accounts GROUP BY currency HAVING sum(balance) <> 0"""),
    Invariant("every balance equals the sum of its account's entries", """
        SELECT format('account %s holds %s, its entries sum to %s', a.id, a.balance, coalesce(e.total, 0))
        FROM ledger.accounts a LEFT JOIN (SELECT account_id, sum(amount) AS total FROM ledger.entries GROUP BY account_id) e
        ON e.account_id = a.id WHERE a.balance <> coalesce(e.total, 0)"""),
    Invariant("every balance equals the balance after its account's last entry", """
        SELECT format('account %s holds %s, after its last entry it held %s', a.id, a.balance, coalesce(e.balance_after, 0))
        FROM ledger.accounts a LEFT JOIN ledger.entries e ON e.account_id = a.id AND e.number = a.entry_count
        WHERE a.balance <> coalesce(e.balance_after, 0)"""),
    Invariant("every entry's balance after it follows from the entry before it", """
        SELECT format('account %s, entry %s', account_id, number) FROM (
            SELECT *, lag(balance_after, 1, 0::bigint) OVER (PARTITION BY account_id ORDER BY number) AS balance_before
            FROM ledger.entries) e
        WHERE balance_after <> balance_before + amount"""),
    Invariant("the entries of an account are numbered 1 to its entry count", """
        SELECT format('account %s counts %s entries, numbers %s to %s hold %s',
            coalesce(a.id, e.account_id), a.entry_count, e.first, e.last, coalesce(e.count, 0))
        FROM ledger.accounts a FULL JOIN (
            SELECT account_id, min(number) AS first, max(number) AS last, count(*) AS count
            FROM ledger.entries GROUP BY account_id) e ON e.account_id = a.id
        WHERE (coalesce(e.first, 1), coalesce(e.last, 0), coalesce(e.count, 0))
            IS DISTINCT FROM (1::bigint, a.entry_count, a.entry_count)"""),
    Invariant("every transfer has two entries, equal and opposite, on its source and destination", """
        SELECT format('transfer %s', t.id) FROM ledger.transfers t
        LEFT JOIN ledger.entries s ON s.account_id = t.source AND s.number = t.source_number
        LEFT JOIN ledger.entries d ON d.account_id = t.destination AND d.number = t.destination_number
        WHERE (s.transfer_id, s.amount, s.created_at, d.transfer_id, d.amount, d.created_at)
            IS DISTINCT FROM (t.id, -t.amount, t.created_at, t.id, t.amount, t.created_at)"""),
    Invariant("every entry belongs to a transfer that names it", """
        SELECT format('account %s, entry %s', e.account_id, e.number) FROM ledger.entries e
        LEFT JOIN ledger.transfers t ON t.id = e.transfer_id
        WHERE (e.account_id, e.number) IS DISTINCT FROM (t.source, t.source_number)
          AND (e.account_id, e.number) IS DISTINCT FROM (t.destination, t.destination_number)"""),
    Invariant("every transfer is between two accounts of one currency", """
        SELECT format('transfer %s', t.id) FROM ledger.transfers t
        LEFT JOIN ledger.accounts s ON s.id = t.source LEFT JOIN ledger.accounts d ON d.id = t.destination
        WHERE s.currency IS DISTINCT FROM d.currency OR s.id IS NULL"""),
    Invariant("money enters and leaves through issuance alone", """
        SELECT format('transfer %s, kind %s', t.id, t.kind) FROM ledger.transfers t
        JOIN ledger.accounts s ON s.id = t.source JOIN ledger.accounts d ON d.id = t.destination
        WHERE (s.kind = 'issuance') <> (t.kind = 'issue') OR (d.kind = 'issuance') <> (t.kind = 'redeem')"""),
    Invariant("no wallet is below zero", """
        SELECT format('account %s holds %s', id, balance) FROM ledger.accounts WHERE kind = 'wallet' AND balance < 0
        UNION ALL SELECT format('account %s, after entry %s', e.account_id, e.number) FROM ledger.entries e
        JOIN ledger.accounts a ON a.id = e.account_id WHERE a.kind = 'wallet' AND e.balance_after < 0"""),
    Invariant("refunds go back the way of their payment and never exceed it", """
        SELECT format('payment %s', r.refund_of) FROM ledger.transfers r LEFT JOIN ledger.transfers p ON p.id = r.refund_of
        WHERE r.refund_of IS NOT NULL GROUP BY r.refund_of, p.id, p.kind
        HAVING p.kind IS DISTINCT FROM 'payment' OR sum(r.amount) > p.amount
            OR bool_or((r.source, r.destination) IS DISTINCT FROM (p.destination, p.source))"""),
    # From the account's `ordered_from` on: what is older than migration 0005 may go back where the host's clock did, and stays.
    Invariant("time goes forward along the entries of an account", """
        SELECT format('account %s, entry %s is from %s, the one before it from %s', e.account_id, e.number, e.created_at, e.before) FROM (
            SELECT account_id, number, created_at, lag(created_at) OVER (PARTITION BY account_id ORDER BY number) AS before
            FROM ledger.entries) e
        JOIN ledger.accounts a ON a.id = e.account_id WHERE e.created_at < e.before AND e.number >= a.ordered_from
        UNION ALL SELECT format('account %s has its last entry from %s, the entry is from %s', a.id, a.last_entry_at, e.created_at)
        FROM ledger.accounts a JOIN ledger.entries e ON e.account_id = a.id AND e.number = a.entry_count
        WHERE e.number >= a.ordered_from AND a.last_entry_at IS DISTINCT FROM e.created_at"""),
)


def trial_balance(session: Session, currency: Currency) -> TrialBalance:
    """What was issued, what people hold, and how many transfers there are, of one moment."""
    (row,) = TRIAL_BALANCE.named_rows(session.connection(), currency=currency.code)
    return TrialBalance(
        issued=Money(int(row.issued), currency),
        held_by_people=Money(int(row.held), currency),
        wallets=row.wallets,
        transfers=row.transfers,
        checked_at=row.checked_at,
    )


def verify(session: Session, *, on_check: Callable[[int, int, str], None] | None = None) -> list[Break]:
    """Check every invariant over the whole history; an empty list means that every penny is accounted for.

    The session must not have begun: all checks read one snapshot, so payments may go on meanwhile. Takes as long as the history
    is large, so it lifts this transaction's statement time-out.

    Args:
        on_check: told before each check which one it is, how many there are, and its sentence.
    """
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    session.execute(text("SET TRANSACTION READ ONLY"))
    session.execute(text("SET LOCAL statement_timeout = 0"))
    session.execute(text("SET LOCAL work_mem = '64MB'"))
    breaks: list[Break] = []
    for place, invariant in enumerate(INVARIANTS, start=1):
        if on_check is not None:
            on_check(place, len(INVARIANTS), invariant.sentence)
        # ast-grep-ignore: sql-put-together - the queries of INVARIANTS, which are constants
        details = session.scalars(text(f"{invariant.exceptions} LIMIT {BREAKS_SHOWN_PER_INVARIANT}"))
        breaks += [Break(invariant.sentence, detail) for detail in details]
    return breaks
