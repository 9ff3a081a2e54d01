"""The wallet page: balance, chart, history, filters and the statement."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app import create_app
from tests.web.documents import Document, get, location, pay, words

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from app.settings import Settings


def names(shown: Document) -> list[str]:
    rows = [each for each in shown.all("span", class_="display-name") if any(above.tag == "li" for above in each.ancestors)]
    return [words(each.text) for each in rows]


def amounts(shown: Document) -> list[str]:
    return [words(each.text) for each in shown.elements if (each.attributes.get("class") or "").startswith("amount is-")]


@pytest.fixture
def alice(browser: Any) -> FlaskClient:
    """Was given 1000.00, paid bob 10.00 and carol 20.00, received 5.50 from bob."""
    made: FlaskClient = browser("alice")
    bob = browser("bob")
    browser("carol")
    pay(made, "bob", "10.00", "Lunch")
    pay(made, "carol", "20.00", "Concert 100%")
    pay(bob, "alice", "5.50", "=SUM(A1:A9)")
    return made


def test_history_reads_at_a_glance_newest_first(alice: FlaskClient) -> None:
    shown = get(alice, "/wallet")

    assert names(shown) == ["Bob", "Carol", "Bob", "The operator"]
    assert amounts(shown) == ["+£5.50", "\N{MINUS SIGN}£20.00", "\N{MINUS SIGN}£10.00", "+£1,000.00"]
    rows = [words(each.text) for each in shown.all("a", class_="payment")]
    assert rows[1].startswith("C Carol @carol · Concert 100% \N{MINUS SIGN}£20.00")
    assert rows[1].endswith(", balance after: £970.00")
    assert all(each.attributes["datetime"] for each in shown.all("time"))


@pytest.mark.parametrize(("query", "found"), [
    ("direction=SENT", ["Carol", "Bob"]),
    ("direction=RECEIVED", ["Bob", "The operator"]),
    ("kind=ISSUE", ["The operator"]),
    ("counterparty=@Bob", ["Bob", "Bob"]),
    ("text=LUNCH", ["Bob"]),
    ("text=100%25", ["Carol"]),
    ("text=_", []),
    ("minimum=10.00&maximum=20.00", ["Carol", "Bob"]),
    ("minimum=10.01&maximum=19.99", []),
    ("direction=SENT&counterparty=carol&text=concert", ["Carol"]),
    ("minimum=0&maximum=%20", ["Bob", "Carol", "Bob", "The operator"]),
    ("before=abc", ["Bob", "Carol", "Bob", "The operator"]),
    ("before=99999999999999999999", ["Bob", "Carol", "Bob", "The operator"]),
    ("before=3", ["Bob", "The operator"]),
])
def test_the_filter_shows_what_it_says(alice: FlaskClient, query: str, found: list[str]) -> None:
    assert names(get(alice, f"/wallet?{query}")) == found


def test_a_period_holds_its_last_day_whole(alice: FlaskClient) -> None:
    today = datetime.now(UTC).date()
    yesterday, tomorrow = today - timedelta(days=1), today + timedelta(days=1)

    assert len(names(get(alice, f"/wallet?since={today}&until={tomorrow}"))) == 4
    assert len(names(get(alice, f"/wallet?since={yesterday}&until={tomorrow}"))) == 4
    assert names(get(alice, f"/wallet?until={yesterday - timedelta(days=1)}")) == []
    assert names(get(alice, f"/wallet?since={tomorrow + timedelta(days=1)}")) == []


def test_a_filter_that_cannot_be_read_says_all_that_is_wrong_and_shows_everything(alice: FlaskClient) -> None:
    wrong = "direction=UP&kind=GIFT&counterparty=b&since=5.11.2026&until=2026-13-01&minimum=-1&maximum=1,00&text=Lunch"

    shown = get(alice, f"/wallet?{wrong}", 422)

    assert list(shown.problems()) == ["direction", "kind", "counterparty", "since", "until", "minimum", "maximum"]
    assert len(names(shown)) == 4
    assert shown.value("since") == "5.11.2026"
    assert get(alice, f"/wallet/statement.csv?{wrong}", 422).heading == "Your wallet"


def test_older_payments_follow_page_by_page_without_a_gap(browser: Any) -> None:
    alice = browser("alice")
    browser("bob")
    for number in range(1, 23):
        pay(alice, "bob", f"{number}.00")

    first = get(alice, "/wallet?direction=SENT")
    older = next(each.attributes["href"] or "" for each in first.all("a") if words(each.text) == "Older payments")
    second = get(alice, older)

    shown = [text.removeprefix("\N{MINUS SIGN}£") for text in amounts(first) + amounts(second)]
    assert shown == [f"{number}.00" for number in range(22, 0, -1)]
    assert "Back to the newest" in second.text
    assert "Older payments" not in second.text


def test_a_wallet_without_a_payment_says_so(settings: Settings) -> None:
    app = create_app(replace(settings, opening_balance="0"))
    poor = app.test_client()
    poor.post("/register", data={"username": "alice", "password": "a long test phrase"})

    assert "Nothing yet. What you send and receive appears here." in get(poor, "/wallet").text
    assert "No payment is like that" in get(poor, "/wallet?text=nothing").text
    assert "No payment is like that" in get(poor, "/wallet?before=1").text
    app.extensions["wave"].disconnect()


def test_a_name_like_anothers_or_like_the_operators_is_told_apart_by_its_handle(
    alice: FlaskClient, browser: Any, database: Any
) -> None:
    mallory = browser("mallory")
    # Nobody can call themselves the second any more, but may have had it before.
    for name, memo in (("Bob", "Lunch"), ("The operator", "")):
        database.execute(f"UPDATE users SET display_name = '{name}' WHERE username = 'mallory'")
        receipt = pay(mallory, "alice", "1.00", memo)
        shown = get(alice, "/wallet")
        row = shown.all("a", class_="payment")[0]
        assert f"{name} @mallory" in words(row.text)
        assert f"{name} @mallory" in words(get(alice, "/pay").one("nav", aria_label="People you dealt with last").text)
        assert f"Refund {name} @mallory" in get(alice, receipt).text

    rows = shown.all("a", class_="payment")
    badges = [[each for each in shown.all("span", class_="no-badge") if row in each.ancestors] for row in rows]
    assert [len(found) for found in badges] == [0, 0, 0, 0, 0, 1]
    assert words(rows[-1].text).startswith("The operator Opening balance +£1,000.00")
    assert "FromThe operator ToAAlice @alice" in get(alice, rows[-1].attributes["href"] or "").text


def test_the_chart_is_told_to_those_who_do_not_see_it(alice: FlaskClient) -> None:
    shown = get(alice, "/wallet")

    drawing = next(each for each in shown.all("svg") if each.attributes.get("role") == "img")
    told = [shown.one(tag, id=name) for tag, name in (("title", "chart-title"), ("desc", "chart-description"))]
    assert drawing.attributes["aria-labelledby"] == "chart-title chart-description"
    assert words(told[0].text) == "Balance of the last 30 days"
    first = datetime.now(UTC) - timedelta(days=29)
    assert words(told[1].text) == f"From £0.00 on {first.day} {first:%B %Y} to £975.50 today. The lowest was £0.00, the highest £975.50."
    assert len(shown.all("tr")) == 31


def test_the_statement_is_the_whole_history_and_runs_nothing_in_a_spreadsheet(alice: FlaskClient) -> None:
    answer = alice.get("/wallet/statement.csv")

    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="wave-statement-alice.csv"'
    assert answer.data.startswith(b"\xef\xbb\xbfdate,reference,kind,")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [(row["kind"], row["username"], row["amount"], row["balance_after"]) for row in rows] == [
        ("issue", "", "1000.00", "1000.00"),
        ("payment", "bob", "-10.00", "990.00"),
        ("payment", "carol", "-20.00", "970.00"),
        ("payment", "bob", "5.50", "975.50"),
    ]
    assert rows[3]["memo"] == "'=SUM(A1:A9)"
    assert rows[0]["date"].endswith("Z")


def test_the_statement_of_a_filter_holds_what_the_page_shows(alice: FlaskClient) -> None:
    rows = alice.get("/wallet/statement.csv?direction=SENT&counterparty=bob").data.decode("utf-8-sig").splitlines()

    assert len(rows) == 2
    link = next(each for each in get(alice, "/wallet?direction=SENT").all("a", class_="download"))
    assert link.attributes["href"] == "/wallet/statement.csv?direction=SENT"


def test_a_long_statement_arrives_whole_and_in_order(alice: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = alice.get("/wallet/statement.csv").data
    monkeypatch.setattr("app.web.download.IN_MEMORY_BYTES", 10)
    monkeypatch.setattr("app.web.download.PIECE_BYTES", 7)

    assert alice.get("/wallet/statement.csv").data == whole
    with alice.head("/wallet/statement.csv") as only_headers:
        assert only_headers.data == b""


def test_nothing_private_is_kept_by_a_cache(alice: FlaskClient) -> None:
    for path in ("/wallet", "/account", "/wallet/statement.csv", "/people.json"):
        assert alice.get(path).headers["Cache-Control"] == "no-store"


def test_a_login_that_is_over_shows_nothing(alice: FlaskClient, database: Any) -> None:
    database.execute("UPDATE logins SET last_seen_at = now() - interval '2 hours'")

    assert location(alice.get("/wallet?text=a")) == "/login?next=/wallet?text%3Da"
