"""Owns how large a GraphQL request may be. Every limit is checked before the work that it bounds, and each has a name here.

SECURITY.md says under "What is defended, and by what" what they are for.
"""

from __future__ import annotations

from typing import Final

from app.graphql_engine import Items, Limits

MAXIMUM_BODY_BYTES: Final = 10 * 1024
# Of `sendPayments` alone: 10,000 payments with the longest handles and memos of 200 letters. Its query has the limits of any other.
MAXIMUM_PAYMENTS_BODY_BYTES: Final = 4 * 1024 * 1024
# What all `refunds` and `refundOf` of an answer hold together, however often the same; they are looked up for a list at once.
MAXIMUM_RELATED: Final = 100
MAXIMUM_ERRORS_SHOWN: Final = 20
DEFAULT_PAGE_SIZE: Final = 20
"""Asked for when `first` is absent or null; the core refuses what is not 1 to 100."""
DEFAULT_BALANCE_DAYS: Final = 30
LIMITS: Final = Limits(
    tokens=1000,
    comments=100,
    depth=8,
    aliases=15,
    directives=5,
    # Validation compares the fields of a document with each other, and what it spreads: 1,000 took a third of a second, 150 take 20 ms.
    fields=150,
    # Where graphql-core works an answer out, each value takes 14 µs: 55 ms in all, and 90 on a busy machine. A page of 100 payments with
    # all they have is two thirds of it.
    values=4000,
    errors=MAXIMUM_ERRORS_SHOWN,
    # Parsed, a document takes up to 190 bytes a character: 40 MB at worst. Clients send a handful of documents over and over.
    kept_characters=200_000,
    lists={
        "users": Items(100, "first", DEFAULT_PAGE_SIZE),
        "payments": Items(100, "first", DEFAULT_PAGE_SIZE),
        "balanceHistory": Items(366, "days", DEFAULT_BALANCE_DAYS),
        "logins": Items(100),
        "apiTokens": Items(50),
    },
    # They cost PostgreSQL as much as these values.
    walks={"users": "search", "payments": "filter", "ledgerHealth": ""},
    values_of_a_walk=1000,
)
