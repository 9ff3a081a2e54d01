"""Owns what people do with money: pay, refund, look at their wallet and its history. Takes a session and plain values, never commits."""

from app.payments.checking import check_payment, check_refund
from app.payments.history import HistoryFilter, count_history, history, recent_counterparties, statement
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
    PayoutPreview,
    check_payout,
    check_payout_from,
    pay_many,
)
from app.payments.personal_data import PersonalData, payment_facts, personal_data
from app.payments.reading import (
    BEYOND_ALL_NUMBERS,
    PAYMENTS_PER_PAGE,
    PaymentPage,
    WalletRequest,
    WalletSnapshot,
    check_page_size,
    read_wallets,
)
from app.payments.sending import Order, Payer, Sent, send_payments
from app.payments.wallet import BalancePoint, Wallet, WalletStatus, balance_history, wallet
