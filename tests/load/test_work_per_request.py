"""How much work a request is, in what no machine's speed changes: round trips, payments a call, rows read, documents kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app import identity, payments
from app.api.schema import engine_in
from app.devdb.folder import temporary_folder
from app.money import Currency
from app.payments import BEYOND_ALL_NUMBERS, HistoryFilter, PaymentPage, WalletRequest, read_wallets
from tests.gunicorn import serving
from tests.load import asking
from tests.load.generator import Order, Outcome, Request
from tests.load.history import Filling, token_of
from tests.load.measuring import generate
from tests.load.wire import Wire, wire_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.orm import Session

    from app.database import Sessions
    from tests.conftest import Database

GBP = Currency.named("GBP")
PEOPLE = [f"p{place:05}" for place in range(1, 101)]
HUB = "hub1-00001"
ENTRIES = 3_000
AS_THE_BENCH = {"PAYMENT_SYSTEM_ENVIRONMENT": "production", "PAYMENT_SYSTEM_SECURE_COOKIES": "true"}
TIMES = 10
# A payment's two connections, once each, and what is left of the beginning.
WARM_UPS = 5
# Counted on the wire: were there pings, BEGIN and COMMIT, they would be in it.
PAYMENT = ["EXECUTE send_payments"]
PAGE = ["EXECUTE read_wallets_20"]
ALSO_PAYMENTS = (
    """mutation ($key: UUID!, $who: Username!) { paid: sendPayment(input: {idempotencyKey: $key, to: $who, amount: "0.01"})
    { payment { payee { username } } errors { code } } }""",
    """mutation ($key: UUID!, $who: Username!) { __typename ...Pay }
    fragment All on PaymentPayload { errors { code } payment { payer { username } refunds { id } } }
    fragment Pay on Mutation { sendPayment(input: {memo: null, amount: "0.01", idempotencyKey: $key, to: $who}) { ...All } }""",
)
ALSO_WALLETS = (
    "{ me: viewer { user { username } wallet { status payments { edges { cursor node { id } } } } } }",
    "{ viewer { wallet { payments(first: 7) { nodes { id payer { username } } pageInfo { endCursor } } } user { username } } }",
    "query Any { ...Mine } fragment Mine on Query { viewer { wallet { balance { amount } payments { nodes { id } } } } __typename }",
)
# Of somebody who is signed in: one transaction, whose every statement is planned already.
BEFORE_A_PAGE = ["BEGIN ISOLATION LEVEL READ COMMITTED", "EXECUTE owner_of_login"]
SHOWN = {
    "/": ["EXECUTE trial_balance", "EXECUTE people_25", "EXECUTE count_people"],
    "/wallet": ["EXECUTE read_wallets_20", "EXECUTE balance_history"],
    "/pay": ["EXECUTE wallet", "EXECUTE recent_counterparties", "EXECUTE people_100"],
}
# Accounts and people are few here, and PostgreSQL rightly reads such tables whole.
ROWS_READ = "SELECT sum(seq_tup_read + idx_tup_fetch)::int FROM pg_stat_xact_user_tables WHERE relname IN ('entries', 'transfers')"


@pytest.fixture
def filled(database: Database) -> Database:
    with Filling(database.superuser_url.replace("+psycopg2", "")) as filling:
        filling.people(len(PEOPLE))
        filling.history(ENTRIES)
        filling.finish()
    return database


class Load:
    """A served wallet that can be asked, and the wire between it and PostgreSQL."""

    def __init__(self, wire: Wire, port: int) -> None:
        self._wire = wire
        self._port = port

    def ask(self, request: Request, *, times: int, connections: int = 1) -> tuple[list[str], Outcome]:
        """The queries that these requests made, and how they were answered."""
        self._wire.taken()
        outcome = generate(
            Order(host="127.0.0.1", port=self._port, connections=connections, mix=[request], seconds=30, requests=times))
        return self._wire.taken(), outcome


@pytest.fixture
def load(filled: Database) -> Iterator[Load]:
    with temporary_folder() as folder, wire_to(filled.app_url, folder) as wire, \
            serving(wire.url(filled.app_url), {**AS_THE_BENCH, "WEB_CONCURRENCY": "1"}) as served:
        made = Load(wire, int(served.address.rpartition(":")[2]))
        # The worker's connections are made, its documents read, and the tokens seen within the minute. A second worker would be asked
        # or not as the kernel likes, and might first have to prepare what the other one has.
        for request in (asking.send_payment(PEOPLE, PEOPLE), asking.wallet(HUB), asking.history(HUB, before_number=None)):
            made.ask(request, times=200, connections=16)
        yield made


def test_round_trips_are_few_whatever_the_page_holds_and_what_waits_goes_together(load: Load) -> None:
    # One test, for its wallet with people and gunicorn takes seconds to make.
    payment, wallet = asking.send_payment(PEOPLE[:1], PEOPLE), asking.wallet(HUB)
    first_page, last_page, single = (asking.history(HUB, before_number=each) for each in (None, 21, 2))
    pages = [(asking.page(path, HUB), [*BEFORE_A_PAGE, *shown, "COMMIT"]) for path, shown in SHOWN.items()]
    for request, queries in ((payment, PAYMENT), (wallet, PAGE), (first_page, PAGE), (last_page, PAGE), (single, PAGE), *pages):
        # Which of its connections is used decides what is prepared still; and the use of tokens may be being noted.
        assert any(names(load.ask(request, times=2)[0]) == queries * 2 for _ in range(WARM_UPS))
        seen, outcome = load.ask(request, times=TIMES)
        assert (outcome.answered, outcome.failures) == (TIMES, 0)
        assert names(seen) == queries * TIMES

    # However they are written.
    given = {"key": "KEY", "who": "PAYEE"}
    others = [(asking.payment_by({"query": each, "variables": given}, PEOPLE[:1], PEOPLE), PAYMENT) for each in ALSO_PAYMENTS]
    others += [(asking.wallet(HUB, each, '"id"'), PAGE) for each in ALSO_WALLETS]
    for request, queries in others:
        assert any(names(load.ask(request, times=1)[0]) == queries for _ in range(WARM_UPS))
        seen, outcome = load.ask(request, times=TIMES)
        assert (names(seen), outcome.failures) == (queries * TIMES, 0)

    seen, outcome = load.ask(asking.send_payment(PEOPLE, PEOPLE), times=640, connections=64)
    assert (outcome.answered, outcome.failures) == (640, 0)
    calls = [query for query in seen if query.startswith("EXECUTE send_payments")]
    assert 0 < len(calls) <= 320
    seen, outcome = load.ask(wallet, times=640, connections=64)
    assert (outcome.answered, outcome.failures) == (640, 0)
    assert 0 < names(seen).count("EXECUTE read_wallets_20") <= 320


def names(queries: list[str]) -> list[str]:
    """The queries without their values."""
    return [query.partition(" (")[0] for query in queries]


def test_the_first_page_and_the_last_read_the_same_few_rows(filled: Database, sessions: Sessions) -> None:
    del filled
    digest = identity.token_digest(token_of(HUB))
    with sessions() as session:
        viewer = identity.viewer_of_api_token(session, token_of(HUB))
        assert viewer
        session.commit()
        for before_number in (BEYOND_ALL_NUMBERS, 21):
            def alone(before_number: int = before_number) -> PaymentPage:
                return payments.history(session, viewer, HistoryFilter(), currency=GBP, before_number=before_number)

            def together(before_number: int = before_number) -> PaymentPage:
                (seen,) = read_wallets(session.connection(), [WalletRequest(digest, before_number=before_number)], GBP)
                assert seen
                return seen.page

            # 20 entries and the one that tells whether others follow, each with its transfer.
            assert rows_read(session, alone) in range(40, 46)
            assert rows_read(session, together) in range(40, 46)


def rows_read(session: Session, look: Callable[[], PaymentPage]) -> int:
    """What a page reads of history, as PostgreSQL counts within a transaction."""
    session.rollback()
    before = session.execute(text(ROWS_READ)).scalar_one()
    assert len(look().payments) == 20
    return int(session.execute(text(ROWS_READ)).scalar_one()) - int(before)


def test_a_document_is_read_once_however_often_it_is_sent() -> None:
    engine = engine_in("production")
    first = engine.prepare(asking.SEND_PAYMENT)
    assert all(engine.prepare(asking.SEND_PAYMENT) is first for _ in range(100))
