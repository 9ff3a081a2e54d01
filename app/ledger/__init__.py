"""Owns the typed face of the ledger's SQL functions. Knows accounts, not people, and writes through those functions alone.

Sign, stated once: an entry below zero leaves its account, an entry above zero arrives.
"""

from app.ledger.books import Break, TrialBalance, check_currency, trial_balance, verify
from app.ledger.posting import (
    MAXIMUM_GROUP_ITEMS,
    Kind,
    Posting,
    issuance_account,
    open_account,
    post,
    posting_of,
    refund,
    set_status,
)
from app.ledger.statuses import CLOSED, MONEY_MAY_ARRIVE, MONEY_MAY_LEAVE, Status
