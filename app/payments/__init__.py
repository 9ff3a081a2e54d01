"""Owns what people do with money: pay, refund, look at their wallet and its history. Takes a session and plain values, never commits."""

from app.payments.checking import check_payment, check_refund
from app.payments.history import HistoryFilter, PaymentPage, count_history, history, statement
from app.payments.keys import parse_key
from app.payments.paying import Receipt, find_payee, parse_memo, parse_payee, pay, refund, refund_by_operator
from app.payments.payment import Counterparty, Direction, Payment, PaymentKind, find_payment, find_payments, list_refunds
from app.payments.payout_file import (
    MAXIMUM_FILE_BYTES,
    PayoutLine,
    items_of,
    payments_of,
    read_carried_lines,
    read_payout_file,
    repeated_lines,
    write_carried_lines,
)
from app.payments.payout_keys import key_again, key_of_content
from app.payments.payouts import (
    MAXIMUM_PAYOUT_ITEMS,
    Payout,
    PayoutItem,
    PayoutPreview,
    check_payout,
    check_payout_from,
    pay_many,
    pay_many_from,
)
from app.payments.personal_data import PersonalData, payment_facts, personal_data
from app.payments.seeing import MAXIMUM_PAYMENTS_SEEN, Question, Reader, Seen
from app.payments.settling import Order, Settled
from app.payments.together import Poster
from app.payments.wallet import BalancePoint, Wallet, WalletStatus, balance_history, wallet

__all__ = [
    "MAXIMUM_FILE_BYTES",
    "MAXIMUM_PAYMENTS_SEEN",
    "MAXIMUM_PAYOUT_ITEMS",
    "BalancePoint",
    "Counterparty",
    "Direction",
    "HistoryFilter",
    "Order",
    "Payment",
    "PaymentKind",
    "PaymentPage",
    "Payout",
    "PayoutItem",
    "PayoutLine",
    "PayoutPreview",
    "PersonalData",
    "Poster",
    "Question",
    "Reader",
    "Receipt",
    "Seen",
    "Settled",
    "Wallet",
    "WalletStatus",
    "balance_history",
    "check_payment",
    "check_payout",
    "check_payout_from",
    "check_refund",
    "count_history",
    "find_payee",
    "find_payment",
    "find_payments",
    "history",
    "items_of",
    "key_again",
    "key_of_content",
    "list_refunds",
    "parse_key",
    "parse_memo",
    "parse_payee",
    "pay",
    "pay_many",
    "pay_many_from",
    "payment_facts",
    "payments_of",
    "personal_data",
    "read_carried_lines",
    "read_payout_file",
    "refund",
    "refund_by_operator",
    "repeated_lines",
    "statement",
    "wallet",
    "write_carried_lines",
]
