"""Paying many from a file: every bad line is marked before anything is sent, and sending again pays nothing twice."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from app.web.pages.payouts import MAXIMUM_LINES_SHOWN, MAXIMUM_PAYOUT_FORM_BYTES
from tests.web.documents import Document, balance, get, page

if TYPE_CHECKING:
    from flask.testing import FlaskClient

FILE = 'username,amount,memo\nbob,10.00,Lunch\n\n@KATE,5.5,"Coffee, and cake"\n'


def check(client: FlaskClient, file: str | bytes, status: int = 200, *, key: str | None = None) -> Document:
    """Upload a file; the preview."""
    data = file.encode() if isinstance(file, str) else file
    form = {"idempotency_key": key or get(client, "/payout").hidden("idempotency_key"), "file": (io.BytesIO(data), "payout.csv")}
    return page(client.post("/payout/check", data=form, content_type="multipart/form-data"), status)


def confirm(client: FlaskClient, preview: Document, mode: str = "atomic", path: str = "/payout") -> Any:
    sent = {"idempotency_key": preview.hidden("idempotency_key"), "lines": preview.hidden("lines"), "mode": mode}
    return client.post(path, data=sent)


def result_rows(client: FlaskClient, shown: Document) -> list[dict[str, str]]:
    answer = client.post("/payout/result.csv", data={"result": shown.hidden("result")})
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="wave-payout-alice.csv"'
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


@pytest.fixture
def people(browser: Any) -> tuple[FlaskClient, FlaskClient, FlaskClient]:
    return browser("alice"), browser("bob"), browser("kate")


def test_the_wallet_leads_to_it(browser: Any) -> None:
    shown = get(browser("alice"), "/wallet")
    assert [each.text for each in shown.all("a", href="/payout")] == ["Pay many from a file"]


def test_a_file_is_shown_with_its_total_before_anything_moves_and_then_paid(people: tuple[FlaskClient, ...]) -> None:
    alice, bob, kate = people
    shown = check(alice, FILE)
    assert shown.heading == "Is this right?"
    for part in ("Payments2", "Total£15.50", "Your balance after£984.50", "Kate @kate", "Coffee, and cake"):
        assert part in shown.text, part
    assert balance(alice) == "£1,000.00"

    made = page(confirm(alice, shown))
    assert made.heading == "All 2 are paid"
    assert [balance(each) for each in people] == ["£984.50", "£1,010.00", "£1,005.50"]
    rows = result_rows(alice, made)
    assert [(row["line"], row["username"], row["amount"], row["memo"], row["status"], row["balance_after"]) for row in rows] == [
        ("2", "bob", "10.00", "Lunch", "paid", "990.00"), ("4", "'@KATE", "5.5", "Coffee, and cake", "paid", "984.50"),
    ]
    assert all(len(row["reference"]) == 36 for row in rows)
    assert bob
    assert kate


def test_sending_it_again_after_a_lost_connection_pays_nothing_twice(people: tuple[FlaskClient, ...]) -> None:
    alice = people[0]
    shown = check(alice, FILE)
    for mode in ("atomic", "atomic", "each"):
        assert page(confirm(alice, shown, mode)).heading == "All 2 are paid"
    assert balance(alice) == "£984.50"


def test_choosing_the_same_file_in_the_same_form_again_says_what_is_paid_already(people: tuple[FlaskClient, ...]) -> None:
    alice, key = people[0], str(uuid4())
    confirm(alice, check(alice, FILE, key=key))
    again = check(alice, FILE, key=key)
    assert "Paid already with this form2, not paid again" in again.text
    assert "Total£0.00" in again.text
    other = check(alice, FILE.replace("10.00", "11.00"), key=key)
    assert "Paid already" not in other.text
    assert page(confirm(alice, other)).heading == "All 2 are paid"
    assert balance(alice) == "£968.00"


def test_half_sent_in_parts_then_whole_pays_each_line_once(people: tuple[FlaskClient, ...]) -> None:
    alice, bob = people[:2]
    shown = check(alice, "\n".join("bob,1" for _ in range(10)))
    lines = shown.hidden("lines").splitlines()
    for part in (lines[:4], lines[2:6]):
        answer = alice.post("/payout/part", content_type="multipart/form-data", data={
            "idempotency_key": shown.hidden("idempotency_key"), "mode": "each", "lines": "\n".join(part)})
        assert answer.json == {"paid": 4, "refused": 0}
    assert balance(alice) == "£994.00"
    assert page(confirm(alice, shown, "each")).heading == "All 10 are paid"
    assert (balance(alice), balance(bob)) == ("£990.00", "£1,010.00")


def test_every_bad_line_is_marked_with_its_number_and_cause(people: tuple[FlaskClient, ...]) -> None:
    alice = people[0]
    shown = check(alice, "bob;1\nnobody-here;1\nalice;1\nbob;1,50\nbob\nbob;1;a;b\n;5\nkate;2;" + "x" * 201 + "\n")
    assert shown.heading == "7 lines cannot be paid"
    rows = [each.text for each in shown.all("tr") if each.ancestors[-1].tag == "tbody"]
    for line, cause in ((2, "nobody by that username"), (3, "cannot pay yourself"), (4, "with a point and without commas"),
                        (5, "Enter an amount"), (6, "more than username, amount and memo"), (7, "whom to pay"), (8, "at most 200")):
        assert any(each.startswith(str(line)) and cause in each for each in rows), cause
    assert shown.hidden("mode") == "each"
    made = page(confirm(alice, shown, "each"))
    assert made.heading == "1 of 8 are paid"
    rows_kept = result_rows(alice, made)
    assert [row["line"] for row in rows_kept if row["status"] == "not paid"] == ["2", "3", "4", "5", "6", "7", "8"]
    assert rows_kept[1]["reason"] == "There is nobody by that username. Check the spelling."
    assert balance(alice) == "£999.00"


def test_what_was_shown_as_bad_is_not_paid_even_if_it_is_right_by_then(people: tuple[FlaskClient, ...], browser: Any) -> None:
    alice = people[0]
    shown = check(alice, "bob,1\nlater,1\n")
    browser("later")
    assert page(confirm(alice, shown, "each")).heading == "1 of 2 are paid"
    made = page(confirm(alice, shown, "atomic"))
    assert made.heading == "Nothing was paid now"
    assert balance(alice) == "£999.00"


def test_all_or_nothing_pays_nobody_when_one_is_refused_at_the_end(people: tuple[FlaskClient, ...], database: Any) -> None:
    alice = people[0]
    shown = check(alice, "bob,1\nkate,1\n")
    database.execute("SELECT ledger.set_status((SELECT account_id FROM users WHERE username = 'kate'), 'frozen')")
    made = page(confirm(alice, shown))
    assert made.heading == "Nothing was paid now"
    assert [row["status"] for row in result_rows(alice, made)] == ["not paid", "not paid"]
    assert balance(alice) == "£1,000.00"
    frozen = check(alice, "bob,1\nkate,1\n")
    assert frozen.heading == "1 line cannot be paid"
    assert page(confirm(alice, frozen, "each")).heading == "1 of 2 are paid"


def test_a_total_beyond_the_balance_is_said_before_and_after(people: tuple[FlaskClient, ...]) -> None:
    alice = people[0]
    shown = check(alice, "bob,600\nkate,600\n")
    assert "That is more than you have" in shown.text
    assert "−£200.00" in shown.text
    made = page(confirm(alice, shown, "atomic"))
    assert made.heading == "Nothing was paid now"
    assert "You need £200.00 more." in made.text
    assert page(confirm(alice, shown, "each")).heading == "1 of 2 are paid"
    assert balance(alice) == "£400.00"


@pytest.mark.parametrize(("file", "problem"), [
    (b"", "Choose a file."),
    (b"\n\n", "There is no payment in this file."),
    ("bob,1,caf\u00e9\n".encode("latin-1"), "Line 1 is not in UTF-8."),
    (b"bob,1\nkate,1\n" + "bob,1,\u00fcber\n".encode("cp1252"), "Line 3 is not in UTF-8."),
    ("bob,1\n".encode("utf-16"), "Line 1 is not in UTF-8."),
    (b'bob,1\nkate,"1\nbob,1\n', "Line 2 cannot be read"),
    (b"bob,0.01\n" * 10_001, "Line 10,001 is one too many"),
])
def test_what_is_no_such_file_is_refused_with_its_line(people: tuple[FlaskClient, ...], file: bytes, problem: str) -> None:
    shown = check(people[0], file, 422)
    assert shown.problems()["file"].startswith(problem)


@pytest.mark.parametrize("file", [
    b"bob,1,\xc3\xbcber\n", b"\xef\xbb\xbfbob,1,\xc3\xbcber\r\n", b"\xef\xbb\xbfUsername;Amount;Memo\r\nbob;1;\xc3\xbcber\r\n",
    b'"bob","1","\xc3\xbcber"', b" bob , 1 , \xc3\xbcber ,,\n",
])
def test_a_file_may_come_from_any_spreadsheet(people: tuple[FlaskClient, ...], file: bytes) -> None:
    alice = people[0]
    shown = check(alice, file)
    assert shown.heading == "Is this right?"
    assert page(confirm(alice, shown)).heading == "All 1 are paid"
    assert "\u00fcber" in get(alice, "/wallet").text


def test_ten_thousand_lines_are_paid(people: tuple[FlaskClient, ...]) -> None:
    alice, bob = people[:2]
    file = "".join(f"bob,0.01,Line {number}\n" for number in range(1, 7_312)) + "bobb,0.01\n" + "bob,0.01\n" * 2_688
    shown = check(alice, file)
    assert shown.heading == "1 line cannot be paid"
    assert [each.text for each in shown.all("th", scope="row")] == ["7312"]
    shown = check(alice, file.replace("bobb", "bob"))
    assert len(shown.all("tr")) <= MAXIMUM_LINES_SHOWN + 2
    made = page(confirm(alice, shown))
    assert made.heading == "All 10,000 are paid"
    assert (balance(alice), balance(bob)) == ("£900.00", "£1,100.00")
    assert len(result_rows(alice, made)) == 10_000


def test_a_form_beyond_its_limit_is_refused(people: tuple[FlaskClient, ...]) -> None:
    data = b"x" * (MAXIMUM_PAYOUT_FORM_BYTES + 1)
    for path in ("/payout/check", "/payout", "/payout/part", "/payout/result.csv"):
        assert people[0].post(path, data=data, content_type="multipart/form-data; boundary=x").status_code == 413


@pytest.mark.parametrize("lines", [
    "\n", "x,bob,1,,", "1,bob,1", "1,bob,1,,\n1,bob,1,,", "0,bob,1,,", "1000001,bob,1,,", '1,"bob,1,,', "1,,,,,,",
])
def test_a_form_that_was_tampered_with_pays_nothing(people: tuple[FlaskClient, ...], lines: str) -> None:
    alice = people[0]
    answer = alice.post("/payout", data={"idempotency_key": str(uuid4()), "lines": lines, "mode": "each"})
    assert "This form was not complete" in page(answer, 422).text
    assert alice.post("/payout", data={"lines": "1,bob,1,,"}).status_code == 422
    assert balance(alice) == "£1,000.00"


def test_text_of_people_cannot_run_as_a_formula_in_the_result(people: tuple[FlaskClient, ...]) -> None:
    alice = people[0]
    made = page(confirm(alice, check(alice, "=1+1,=2,=3\nbob,1,=4\n"), "each"))
    cells = [(row["username"], row["amount"], row["memo"]) for row in result_rows(alice, made)]
    assert cells == [("'=1+1", "'=2", "'=3"), ("bob", "1", "'=4")]
