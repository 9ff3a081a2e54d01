"""Owns the typed face of the ledger's SQL functions. Knows accounts, not people, and writes through those functions alone.

Sign, stated once: an entry below zero leaves its account, an entry above zero arrives.
"""

from app.ledger.books import Break, TrialBalance, check_currency, trial_balance, verify
from app.ledger.groups import MAXIMUM_GROUP_ITEMS, Wish, post_many, posting_of
from app.ledger.posting import Kind, Posting, issuance_account, open_account, post, refund, set_status
from app.ledger.statuses import CLOSED, MONEY_MAY_ARRIVE, MONEY_MAY_LEAVE, Status

__all__ = [
    "CLOSED",
    "MAXIMUM_GROUP_ITEMS",
    "MONEY_MAY_ARRIVE",
    "MONEY_MAY_LEAVE",
    "Break",
    "Kind",
    "Posting",
    "Status",
    "TrialBalance",
    "Wish",
    "check_currency",
    "issuance_account",
    "open_account",
    "post",
    "post_many",
    "posting_of",
    "refund",
    "set_status",
    "trial_balance",
    "verify",
]
