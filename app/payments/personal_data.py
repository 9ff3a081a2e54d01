"""Owns everything that the wallet keeps about one person, to be handed to them. Only reads.

Source: General Data Protection Regulation, articles 15 and 20.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from app.identity import find_person
from app.models import Account, ApiToken, Entry, Login, User
from app.money import Money
from app.payments.payment import payment_of, select_payments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from app.money import Currency
    from app.payments.payment import Payment

ROWS_PER_FETCH: Final = 500


@dataclass(frozen=True, slots=True)
class PersonalData:
    """What is kept about a person."""

    facts: dict[str, Any]
    """Account, logins and API tokens, in JSON's own types. A password and a token are kept as hashes, which are told of, not shown."""
    payments: Iterator[Payment]
    """Every payment, oldest first, fetched page by page while the transaction lasts."""

    def as_json(self) -> Iterator[str]:
        """All of it as one JSON object, in pieces: a year of a shop fits the memory."""
        yield json.dumps(self.facts, ensure_ascii=False, indent=2).removesuffix("\n}") + ',\n  "payments": ['
        between = "\n"
        for payment in self.payments:
            yield f"{between}    {json.dumps(payment_facts(payment), ensure_ascii=False)}"
            between = ",\n"
        yield "\n  ]\n}\n"


def personal_data(session: Session, username: str, *, currency: Currency) -> PersonalData:
    """What is kept about this person. Raises: NotFoundError."""
    user = session.execute(select(User).where(User.username == find_person(session, username).username)).scalar_one()
    account = session.get_one(Account, user.account_id)
    logins = session.scalars(select(Login).where(Login.user_id == user.id).order_by(Login.created_at))
    tokens = session.scalars(select(ApiToken).where(ApiToken.user_id == user.id).order_by(ApiToken.created_at))
    whole_history = select_payments().where(Entry.account_id == user.account_id).order_by(Entry.number)
    rows = session.execute(whole_history, execution_options={"yield_per": ROWS_PER_FETCH})
    facts = {
        "username": user.username,
        "display_name": user.display_name,
        "joined_at": user.joined_at.isoformat(),
        "is_operator": user.is_operator,
        "closed_at": user.closed_at.isoformat() if user.closed_at else None,
        "password": "kept as an Argon2id hash",  # nosec B105 # a sentence to read
        "wallet": {
            "status": account.status, "balance": Money(account.balance, currency).amount, "currency": currency.code,
            "payments": account.entry_count,
        },
        "logins": [
            {"browser": each.user_agent, "since": each.created_at.isoformat(), "last_seen_at": each.last_seen_at.isoformat()}
            for each in logins
        ],
        "api_tokens": [
            {"name": each.name, "scopes": each.scopes, "made_at": each.created_at.isoformat(),
             "last_used_at": each.last_used_at.isoformat() if each.last_used_at else None}
            for each in tokens
        ],
    }
    return PersonalData(facts, (payment_of(row, currency) for row in rows))


def payment_facts(payment: Payment) -> dict[str, Any]:
    """A payment in JSON's own types, as the person sees it."""
    return {
        "reference": str(payment.id), "at": payment.created_at.isoformat(), "kind": payment.kind.lower(),
        "username": payment.counterparty_username, "display_name": payment.counterparty_display_name, "memo": payment.memo,
        "amount": payment.signed.amount, "currency": payment.signed.currency,
        "balance_after": payment.balance_after.amount if payment.balance_after else None,
        "refund_of": str(payment.refund_of) if payment.refund_of else None,
    }
