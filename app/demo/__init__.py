"""Owns the demo people of `make run`: makes them and a year of payments, in an empty database only."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

from sqlalchemy import JSON, NullPool, bindparam, create_engine, text

from app.demo import people
from app.demo.books import ISSUANCE, Books, Owner
from app.demo.year import actions
from app.identity import hash_password, verify_password
from app.money import Currency

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = ["DemoLogin", "seed"]

SEED: Final = 1906  # any number; the same seed makes the same year
IS_EMPTY: Final = text("SELECT NOT EXISTS (SELECT FROM users) AND NOT EXISTS (SELECT FROM ledger.transfers)")
# Registrations wait until the demo people are stored. Reads do not wait.
LOCK_USERS: Final = text("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE")

ISSUANCE_ACCOUNT: Final = text("SELECT ledger.issuance_account(:currency)")
WALLET: Final = text("SELECT ledger.open_account(:currency)")
FILL_ACCOUNT: Final = text(
    "UPDATE ledger.accounts SET balance = :balance, entry_count = :entry_count, created_at = :opened_at, last_entry_at = :last_entry_at"
    " WHERE id = :id",
)
NEW_PERSON: Final = text(
    "INSERT INTO users (username, display_name, password_hash, account_id, joined_at)"
    " VALUES (:username, :display_name, :password_hash, :account_id, :joined_at)",
)
# The ledger accepts transfers and their entries in one statement only.
STORE_HISTORY: Final = text(
    "WITH stored AS (INSERT INTO ledger.transfers SELECT * FROM json_populate_recordset(NULL::ledger.transfers, :transfers))"
    " INSERT INTO ledger.entries SELECT * FROM json_populate_recordset(NULL::ledger.entries, :entries)",
).bindparams(bindparam("transfers", type_=JSON), bindparam("entries", type_=JSON))


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """The username and password of a demo person."""

    username: str
    password: str


def seed(owner_url: str, *, currency_code: str = "GBP") -> DemoLogin | None:
    """Make the demo people in an empty, migrated database. In any other, change nothing.

    Args:
        owner_url: the database URL of the owner's role. History is back-dated, which the app's role may not do.
        currency_code: the wallet's currency, ISO 4217.

    Returns: the login of a demo person; None without demo people, or if that person has changed the password.
    """
    engine = create_engine(owner_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(LOCK_USERS)
        if connection.scalar(IS_EMPTY):
            _store(connection, Currency.named(currency_code))
        return _login(connection)


def _login(connection: Connection) -> DemoLogin | None:
    wanted = text("SELECT password_hash FROM users WHERE username = :username")
    stored_hash = connection.scalar(wanted, {"username": people.LOGIN_USERNAME})
    right, _ = verify_password(people.PASSWORD, stored_hash)
    return DemoLogin(people.LOGIN_USERNAME, people.PASSWORD) if right else None


def _store(connection: Connection, currency: Currency) -> None:
    # The database's clock, as for all later payments.
    now: datetime = connection.execute(text("SELECT now()")).scalar_one()
    random = Random(SEED)  # nosec B311 # noqa: S311 - invented shopping, no secret
    books = Books(currency, random)
    for action in actions(random, now):
        books.apply(action)
    accounts = _store_accounts(connection, books)
    _store_people(connection, books, accounts)
    connection.execute(STORE_HISTORY, {
        "transfers": [
            {"id": str(each.id), "kind": each.kind, "source": accounts[each.source], "destination": accounts[each.destination],
             "amount": each.amount, "memo": each.memo, "refund_of": str(each.refund_of) if each.refund_of else None,
             "source_number": each.source_number, "destination_number": each.destination_number,
             "created_at": each.created_at.isoformat()}
            for each in books.transfers
        ],
        "entries": [
            {"account_id": accounts[each.owner], "number": each.number, "transfer_id": str(each.transfer_id), "amount": each.amount,
             "balance_after": each.balance_after, "created_at": each.created_at.isoformat()}
            for each in books.entries
        ],
    })
    # Without this, the first queries are planned for empty tables.
    connection.execute(text("ANALYZE ledger.accounts, ledger.transfers, ledger.entries, users"))


def _store_accounts(connection: Connection, books: Books) -> dict[Owner, int]:
    """Returns: the account id of each owner."""
    ids: dict[Owner, int] = {}
    for owner, opened_at in books.opened_at.items():
        new = ISSUANCE_ACCOUNT if owner is ISSUANCE else WALLET
        ids[owner] = connection.execute(new, {"currency": books.currency.code}).scalar_one()
        connection.execute(FILL_ACCOUNT, {
            "id": ids[owner], "balance": books.balances[owner], "entry_count": books.entry_counts[owner], "opened_at": opened_at,
            "last_entry_at": books.last_entry_at[owner],
        })
    return ids


def _store_people(connection: Connection, books: Books, accounts: dict[Owner, int]) -> None:
    password_hash = hash_password(people.PASSWORD)
    connection.execute(NEW_PERSON, [
        {"username": username, "display_name": display_name, "password_hash": password_hash,
         "account_id": accounts[username], "joined_at": books.opened_at[username]}
        for username, display_name in people.DISPLAY_NAMES.items()
    ])
