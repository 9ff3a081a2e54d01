"""Whatever people do, in any order, the program and a model of twenty lines agree: who has what, what is refused, and why."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID, uuid4

import hypothesis
import pytest
from hypothesis import HealthCheck, strategies
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from app import identity, ledger, payments
from app.database import transact
from app.errors import (
    IdempotencyKeyReusedError,
    InsufficientFundsError,
    NotFoundError,
    NotRefundableError,
    RefundTooLargeError,
    SelfPaymentError,
    WalletError,
    WalletFrozenError,
)
from app.identity import Scope, Viewer
from app.models import Account, Transfer, User
from app.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.stateful import MultipleResults

    from app.database import Sessions
    from app.payments import Receipt
    from app.settings import Settings

EXAMPLES_EACH, STEPS = 100, 50
OPENING = 1000_00
PEOPLE = 4


@dataclass
class Paid:
    """A payment or refund in the model."""

    payer: str
    payee: str
    amount: int
    memo: str | None
    refund_of: UUID | None = None
    is_rest: bool = False
    """A refund that was asked for without an amount."""


@dataclass
class Model:
    """What should be: plain dictionaries, no database."""

    balances: dict[str, int] = field(default_factory=dict)
    frozen: set[str] = field(default_factory=set)
    paid: dict[UUID, Paid] = field(default_factory=dict)

    def left_of(self, payment: UUID) -> int:
        return self.paid[payment].amount - sum(each.amount for each in self.paid.values() if each.refund_of == payment)

    def why_not(self, wanted: Paid) -> type[WalletError] | None:
        if wanted.payer == wanted.payee:
            return SelfPaymentError
        if wanted.payer in self.frozen or wanted.payee in self.frozen:
            return WalletFrozenError
        return InsufficientFundsError if self.balances[wanted.payer] < wanted.amount else None

    def move(self, key: UUID, wanted: Paid) -> None:
        self.paid[key] = wanted
        self.balances[wanted.payer] -= wanted.amount
        self.balances[wanted.payee] += wanted.amount


amounts = strategies.one_of(strategies.integers(1, OPENING + 1), strategies.integers(1, 10), strategies.just(OPENING))
memos = strategies.sampled_from([None, "lunch", "Übermut 🍰"])


class Wallets(RuleBasedStateMachine):
    """Register, pay, retry, refund, freeze: the program beside the model."""

    sessions: ClassVar[Sessions]
    settings: ClassVar[Settings]
    people = Bundle("people")
    keys = Bundle("keys")

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.viewers: dict[str, Viewer] = {}

    @initialize(target=people)
    def the_first(self) -> str:
        return self._register()

    @initialize(target=people)
    def the_second(self) -> str:
        return self._register()

    @precondition(lambda self: len(self.viewers) < PEOPLE)
    @rule(target=people)
    def register(self) -> str:
        return self._register()

    @rule(target=keys, payer=people, number=strategies.integers(0, PEOPLE), amount=strategies.integers(1, 500))
    def pay_somebody_else_a_little(self, payer: str, number: int, amount: int) -> UUID | MultipleResults[UUID]:
        others = [each for each in self.viewers if each != payer]
        return self.pay(payer, others[number % len(others)], amount, None)

    @rule(target=keys, payer=people, payee=people, amount=amounts, memo=memos)
    def pay_anything(self, payer: str, payee: str, amount: int, memo: str | None) -> UUID | MultipleResults[UUID]:
        return self.pay(payer, payee, amount, memo)

    def pay(self, payer: str, payee: str, amount: int, memo: str | None) -> UUID | MultipleResults[UUID]:
        key, wanted = uuid4(), Paid(payer, payee, amount, memo)
        with self._expecting(self.model.why_not(wanted)):
            assert not self._pay(key, wanted).replayed
            self.model.move(key, wanted)
        return key if key in self.model.paid else multiple()

    @rule(key=keys)
    def retry_the_same(self, key: UUID) -> None:
        first = self.model.paid[key]
        if first.refund_of is None:
            assert self._pay(key, first).replayed
        else:
            assert self._refund(key, first.refund_of, first.payer, None if first.is_rest else first.amount).replayed

    @rule(key=keys)
    def retry_with_the_same_amount_given_in_another_way(self, key: UUID) -> None:
        first = self.model.paid[key]
        if first.refund_of is not None:
            with self._expecting(IdempotencyKeyReusedError):
                self._refund(key, first.refund_of, first.payer, first.amount if first.is_rest else None)

    @rule(key=keys, payer=people, payee=people, amount=amounts)
    def pay_with_a_key_of_somebody_else(self, key: UUID, payer: str, payee: str, amount: int) -> None:
        wanted = Paid(payer, payee, amount, None)
        if payer != self.model.paid[key].payer:
            with self._expecting(self.model.why_not(wanted) or IdempotencyKeyReusedError):
                self._pay(key, wanted)

    @rule(key=keys, more=strategies.integers(1, 100))
    def retry_with_another_amount(self, key: UUID, more: int) -> None:
        first = self.model.paid[key]
        with self._expecting(IdempotencyKeyReusedError):
            if first.refund_of is None:
                self._pay(key, Paid(first.payer, first.payee, first.amount + more, first.memo))
            else:
                self._refund(key, first.refund_of, first.payer, first.amount + more)

    @rule(key=keys, payee=people)
    def retry_to_another_person(self, key: UUID, payee: str) -> None:
        first = self.model.paid[key]
        if payee not in (first.payer, first.payee):
            with self._expecting(IdempotencyKeyReusedError):
                self._pay(key, Paid(first.payer, payee, first.amount, first.memo))

    @rule(target=keys, key=keys, how_much=strategies.sampled_from(["one", "half", "all", "one too many", "whatever is left"]))
    def refund(self, key: UUID, how_much: str) -> UUID | MultipleResults[UUID]:
        refund_key, original = uuid4(), self.model.paid[key]
        left = self.model.left_of(key)
        amount = {"one": 1, "half": left // 2 or 1, "all": left or 1, "one too many": left + 1, "whatever is left": None}[how_much]
        wanted = Paid(original.payee, original.payer, left if amount is None else amount, None, key, is_rest=amount is None)
        if original.refund_of is not None:
            why_not: type[WalletError] | None = NotRefundableError
        else:
            why_not = RefundTooLargeError if left == 0 or wanted.amount > left else self.model.why_not(wanted)
        with self._expecting(why_not):
            self._refund(refund_key, key, original.payee, amount)
            self.model.move(refund_key, wanted)
        return refund_key if refund_key in self.model.paid else multiple()

    @rule(key=keys, refunder=people)
    def refund_what_one_was_not_paid(self, key: UUID, refunder: str) -> None:
        original = self.model.paid[key]
        if original.payee != refunder:
            with self._expecting(NotRefundableError if original.refund_of and original.payer == refunder else NotFoundError):
                self._refund(uuid4(), key, refunder, None)

    @precondition(lambda self: not self.model.frozen)
    @rule(person=people)
    def freeze(self, person: str) -> None:
        self._set_status(person, "frozen")
        self.model.frozen.add(person)

    @precondition(lambda self: self.model.frozen)
    @rule()
    def unfreeze(self) -> None:
        self._set_status(self.model.frozen.pop(), "open")

    @invariant()
    def balances_agree(self) -> None:
        with self.sessions() as session:
            rows = session.execute(select(User.username, Account.balance).join(Account, Account.id == User.account_id)
                                   .where(User.username.in_(self.viewers))).all()
        assert {name: balance for name, balance in rows} == self.model.balances  # noqa: C416 - rows are not tuples to mypy

    def teardown(self) -> None:
        for name, viewer in self.viewers.items():
            with self.sessions() as session:
                page = payments.history(session, viewer, payments.HistoryFilter(), currency=self.settings.currency, first=100)
            mine = [each for each in self.model.paid.values() if name in (each.payer, each.payee)]
            assert len(page.payments) == len(mine) + 1  # the opening balance
            assert page.payments[0].balance_after == Money(self.model.balances[name], self.settings.currency)

    def _register(self) -> str:
        name = f"p{uuid4().hex[:12]}"
        person = transact(self.sessions, lambda session: identity.register(
            session, username=name, password="a long test phrase", display_name=None, settings=self.settings))
        self.viewers[name] = Viewer(user_id=0, account_id=person.account_id, username=name, display_name=name,
                                    joined_at=person.joined_at, is_operator=False, scopes=frozenset(Scope), login_id=None)
        self.model.balances[name] = OPENING
        return name

    def _set_status(self, person: str, status: ledger.Status) -> None:
        account_id = self.viewers[person].account_id
        assert [transact(self.sessions, lambda session: ledger.set_status(session, account_id, status)) for _ in range(2)] == [True, False]

    def _pay(self, key: UUID, wanted: Paid) -> Receipt:
        return transact(self.sessions, lambda session: payments.pay(
            session, self.viewers[wanted.payer], idempotency_key=key, to=wanted.payee,
            amount=Money(wanted.amount, self.settings.currency), memo=wanted.memo))

    def _refund(self, key: UUID, payment: UUID, refunder: str, amount: int | None) -> Receipt:
        money = Money(amount, self.settings.currency) if amount else None
        return transact(self.sessions, lambda session: payments.refund(
            session, self.viewers[refunder], idempotency_key=key, payment_id=payment, amount=money,
            currency=self.settings.currency, memo=None))

    @contextmanager
    def _expecting(self, error: type[WalletError] | None) -> Iterator[None]:
        if error is None:
            yield
        else:
            with pytest.raises(error):
                yield


@pytest.mark.load
@pytest.mark.parametrize("half", ["first", "second"])
def test_200_examples_of_50_steps_agree_with_a_plain_model(sessions: Sessions, settings: Settings, half: str) -> None:
    """In two halves, so that two cores share them."""
    machine = type(f"Wallets_{half}", (Wallets,), {"sessions": sessions, "settings": settings})
    run_state_machine_as_test(machine, settings=hypothesis.settings(
        max_examples=EXAMPLES_EACH, stateful_step_count=STEPS, deadline=None, database=None,
        suppress_health_check=list(HealthCheck)))
    with sessions() as session:
        moved = {row.kind: row.number for row in session.execute(
            select(Transfer.kind, func.count().label("number")).group_by(Transfer.kind))}
    # Were it fewer, most steps would have been refused and this test would show little.
    assert (moved["payment"] > 3 * EXAMPLES_EACH, moved["refund"] > EXAMPLES_EACH // 10) == (True, True), moved
    assert transact(sessions, ledger.verify) == []
