"""Owns the requests of the load, as the bytes that go over the wire: what is asked, by whom, and how a good answer is known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from app.api.inputs import cursor_of
from app.http import cookie_name
from tests.load.generator import Request
from tests.load.history import PASSWORD, token_of

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_CHARACTERS: Final = 36
NO_ERRORS: Final = '"errors":[]'
SEND_PAYMENT: Final = (
    "mutation Pay($input: SendPaymentInput!) { sendPayment(input: $input)"
    " { replayed payment { id amount { amount } balanceAfter { amount } } errors { code message } } }"
)
SEND_PAYMENTS: Final = (
    "mutation Payout($input: SendPaymentsInput!) { sendPayments(input: $input)"
    " { results { replayed errors { code } } total { amount } errors { code message } } }"
)
ENTRIES: Final = "id direction amount { amount } balanceAfter { amount } createdAt"
WALLET: Final = f"{{ viewer {{ wallet {{ balance {{ amount }} payments(first: 20) {{ nodes {{ {ENTRIES} }} }} }} }} }}"
HISTORY: Final = (
    "query Page($after: String) { viewer { wallet { payments(first: 20, after: $after)"
    f" {{ nodes {{ {ENTRIES} }} pageInfo {{ hasNextPage endCursor }} }} }} }} }}"
)
LOG_IN: Final = "mutation In($input: LogInInput!) { logIn(input: $input) { viewer { user { username } } errors { code } } }"


def send_payment(payers: list[str], payees: list[str]) -> Request:
    """A payment of a penny by one of these people to another of those. All handles have one length, so Content-Length is fixed."""
    body = {"query": SEND_PAYMENT, "variables": {"input": {"idempotencyKey": "KEY", "to": "PAYEE", "amount": "0.01"}}}
    return payment_by(body, payers, payees)


def payment_by(body: Mapping[str, object], payers: list[str], payees: list[str]) -> Request:
    """The same by a body of any form, which holds KEY and then PAYEE."""
    start, between, after = _split(json.dumps(body), "KEY", "PAYEE")
    length = len(start) + KEY_CHARACTERS + len(between) + len(payees[0]) + len(after)
    return Request(
        heads=[_head(length, token_of(payer)) for payer in payers], marker=NO_ERRORS,
        start=start, between=between, payees=payees, after=after, items=1,
    )


def send_payments(payers: list[str], payees: list[str], count: int) -> Request:
    """So many payments of a penny in one request, all or none."""
    around = json.dumps({"query": SEND_PAYMENTS, "variables": {"input": {"items": "ITEMS", "atomic": True}}})
    start, end = around.split('"ITEMS"')
    before_key, between, after = _split(json.dumps({"idempotencyKey": "KEY", "to": "PAYEE", "amount": "0.01"}), "KEY", "PAYEE")
    item = len(before_key) + KEY_CHARACTERS + len(between) + len(payees[0]) + len(after)
    length = len(start) + 1 + count * (item + 1) - 1 + 1 + len(end)
    return Request(
        heads=[_head(length, token_of(payer)) for payer in payers], marker='"errors":[]}}',
        start=start + "[", before_key=before_key, between=between, payees=payees, after=after, items=count, end="]" + end,
    )


def wallet(username: str, text: str = WALLET, marker: str = '"createdAt"') -> Request:
    """The balance and the last 20 entries, or what else `text` asks."""
    return _question({"query": text}, marker=marker, username=username)


def history(username: str, *, before_number: int | None) -> Request:
    """20 entries: those before this number, or the last ones."""
    after = cursor_of(str(before_number)) if before_number else None
    return _question({"query": HISTORY, "variables": {"after": after}}, marker='"createdAt"', username=username)


def log_in(usernames: list[str]) -> Request:
    """A login by password, each by another of these people."""
    bodies = [json.dumps({"query": LOG_IN, "variables": {"input": {"username": each, "password": PASSWORD}}}) for each in usernames]
    return Request(heads=[_head(len(body)) + body for body in bodies], marker=NO_ERRORS)


def page(path: str, username: str) -> Request:
    """A page, as this person's browser asks for it."""
    lines = [f"GET {path} HTTP/1.1", "Host: wave.test", "Accept: text/html", f"Cookie: {cookie_name(secure=True)}={token_of(username)}"]
    # Who is signed in can log out; so the page is not the one that leads to logging in.
    return Request(heads=["\r\n".join([*lines, "", ""])], marker="Log out")


def _question(body: dict[str, object], *, marker: str, username: str) -> Request:
    text = json.dumps(body)
    return Request(heads=[_head(len(text), token_of(username)) + text], marker=marker)


def _head(length: int, token: str | None = None) -> str:
    lines = ["POST /graphql HTTP/1.1", "Host: wave.test", "Content-Type: application/json", f"Content-Length: {length}"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    return "\r\n".join([*lines, "", ""])


def _split(text: str, *marks: str) -> list[str]:
    parts = []
    for mark in marks:
        before, _, text = text.partition(mark)
        parts.append(before)
    return [*parts, text]
