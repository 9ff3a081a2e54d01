"""Owns the tables as typed classes: to read the ledger, and to read and write people. The migrations make the tables."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from sqlalchemy import BigInteger, FetchedValue, ForeignKey, Identity, Index, LargeBinary, MetaData, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

BigId = Annotated[int, mapped_column(BigInteger, Identity(always=True), primary_key=True)]
# Set by the database's clock. So a wrong clock of the app does not change the order of rows.
StampedByDatabase = Annotated[datetime, mapped_column(TIMESTAMP(timezone=True), server_default=FetchedValue())]


class Base(DeclarativeBase):
    """The base of all tables: the type mapping, and the schema `public` by default."""

    metadata = MetaData()
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class, as its documentation has it
        int: BigInteger,
        str: Text,
        datetime: TIMESTAMP(timezone=True),
        bytes: LargeBinary,
        list[str]: ARRAY(Text),
    }


class Account(Base):
    """An account holds a balance in one currency. Read only: the ledger's functions write it."""

    __tablename__ = "accounts"
    __table_args__ = (
        Index("one_issuance_account_a_currency", "currency", unique=True, postgresql_where=text("kind = 'issuance'")),
        {"schema": "ledger"},
    )

    id: Mapped[BigId]
    kind: Mapped[str]
    currency: Mapped[str]
    balance: Mapped[int]
    entry_count: Mapped[int]
    status: Mapped[str]
    created_at: Mapped[StampedByDatabase]
    last_entry_at: Mapped[datetime | None]
    ordered_from: Mapped[int | None] = mapped_column(server_default=FetchedValue())


class Transfer(Base):
    """A transfer moves a positive amount once. Read only: it never changes after it is posted."""

    __tablename__ = "transfers"
    __table_args__ = (
        Index("refunds_of_a_payment", "refund_of", postgresql_where=text("refund_of IS NOT NULL")),
        {"schema": "ledger"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    source: Mapped[int]
    destination: Mapped[int]
    amount: Mapped[int]
    memo: Mapped[str | None]
    refund_of: Mapped[UUID | None]
    source_number: Mapped[int]
    destination_number: Mapped[int]
    created_at: Mapped[datetime]
    refunds_the_rest: Mapped[bool | None]


class Entry(Base):
    """An entry is one signed line of a transfer on one account: negative leaves, positive arrives. Read only."""

    __tablename__ = "entries"
    __table_args__ = {"schema": "ledger"}  # noqa: RUF012 - as above

    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    transfer_id: Mapped[UUID]
    amount: Mapped[int]
    balance_after: Mapped[int]
    created_at: Mapped[datetime]


class User(Base):
    """A person with one account. The username never changes, the display name may. A closed account has neutral names."""

    __tablename__ = "users"

    id: Mapped[BigId]
    username: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    password_hash: Mapped[str]
    account_id: Mapped[int] = mapped_column(ForeignKey(Account.id), unique=True)
    joined_at: Mapped[StampedByDatabase]
    is_operator: Mapped[bool] = mapped_column(server_default=FetchedValue())
    closed_at: Mapped[datetime | None]


class RetiredUsername(Base):
    """The SHA-256 of a username that nobody may have again. Read only: the database function `close_account` writes it."""

    __tablename__ = "retired_usernames"

    username_sha256: Mapped[bytes] = mapped_column(primary_key=True)
    retired_at: Mapped[StampedByDatabase]


class RepeatableMigration(Base):
    """The digests of the SQL that is run again when it changes. Read only: `app.ledger_functions` writes it as the owner."""

    __tablename__ = "repeatable_migrations"

    name: Mapped[str] = mapped_column(primary_key=True)
    text_sha256: Mapped[bytes]
    definitions_sha256: Mapped[bytes]
    ran_at: Mapped[StampedByDatabase]


class Login(Base):
    """A signed-in browser. Only the browser's cookie has the token itself."""

    __tablename__ = "logins"
    __table_args__ = (Index("logins_of_a_user", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    token_sha256: Mapped[bytes] = mapped_column(unique=True)
    user_agent: Mapped[str | None]
    created_at: Mapped[StampedByDatabase]
    last_seen_at: Mapped[StampedByDatabase]


class ApiToken(Base):
    """An API token of a person: it has a name and scopes, is shown once, and can be revoked."""

    __tablename__ = "api_tokens"
    __table_args__ = (Index("api_tokens_of_a_user", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    name: Mapped[str]
    scopes: Mapped[list[str]]
    token_sha256: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[StampedByDatabase]
    last_used_at: Mapped[datetime | None]


class Throttle(Base):
    """The fill level of a rate limit's bucket. The database function `take_turn` writes it."""

    __tablename__ = "throttles"
    __table_args__ = (Index("throttles_by_their_end", "empty_at"),)

    rule: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(primary_key=True)
    empty_at: Mapped[datetime]
