"""The wallet runs on every PostgreSQL of this machine: it migrates, pays, refunds, and its books balance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from uuid import uuid4

import pytest
from sqlalchemy import select

from app import demo, identity, ledger, migrations, payments
from app.database import make_engine, make_sessions, transact
from app.devdb import DevDatabaseError, find_programs, temporary_cluster
from app.models import User
from app.settings import load_settings
from tests.conftest import memory_with_room

if TYPE_CHECKING:
    from app.devdb import Programs
    from app.identity import Viewer

SUPPORTED_MAJORS = (15, 16, 17, 18)


def programs_here(source: Literal["machine", "wheel"]) -> Programs:
    try:
        return find_programs(source)
    except DevDatabaseError as error:
        pytest.skip(f"no PostgreSQL from the {source}: {error}")


@pytest.mark.parametrize("source", ["machine", "wheel"])
def test_it_migrates_pays_refunds_and_balances_on_the_postgresql_of(source: Literal["machine", "wheel"]) -> None:
    programs = programs_here(source)
    assert programs.major in SUPPORTED_MAJORS
    with temporary_cluster(programs, parent=memory_with_room()) as cluster:
        owner_url = cluster.url(role="payment_system_owner")
        migrations.upgrade(owner_url)
        demo.seed(owner_url)
        settings = load_settings({"DATABASE_URL": cluster.url()})
        engine = make_engine(settings.database_url, pool_size=2)
        sessions = make_sessions(engine)

        def person(username: str) -> Viewer:
            token = transact(sessions, lambda session: identity.start_login(session, username, user_agent=None, settings=settings))
            viewer = transact(sessions, lambda session: identity.viewer_of_login(session, token, settings))
            assert viewer is not None
            return viewer

        with sessions() as session:
            payer, payee = (person(name) for name in session.scalars(select(User.username).order_by(User.username).limit(2)))
            balance = ledger.trial_balance(session, settings.currency).held_by_people
            amount = payments.wallet(session, payer, currency=settings.currency).balance
        paid = transact(sessions, lambda session: payments.pay(
            session, payer, idempotency_key=uuid4(), to=payee.username, amount=amount, memo="all of it")).payment_id
        transact(sessions, lambda session: payments.refund(
            session, payee, idempotency_key=uuid4(), payment_id=paid, amount=None, currency=settings.currency, memo=None))
        assert len(transact(sessions, lambda session: payments.balance_history(session, payer, days=30, currency=settings.currency))) == 30
        with sessions() as session:
            assert ledger.trial_balance(session, settings.currency).held_by_people == balance
        assert transact(sessions, ledger.verify) == []
        engine.dispose()
