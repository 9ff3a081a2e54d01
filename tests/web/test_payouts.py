"""Paying many from a file: every bad line is marked before anything is sent, and sending again pays nothing twice."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import stream_encode_multipart

from app.payments import MAXIMUM_FILE_BYTES
from app.web.pages.payouts import MAXIMUM_LINES_SHOWN, MAXIMUM_PAYOUT_FORM_BYTES
from tests.web.documents import Document, balance, get, page

if TYPE_CHECKING:
    from flask.testing import FlaskClient

FILE = 'username,amount,memo\nbob,10.00,Lunch\n\n@KATE,5.5,"Coffee, and cake"\n'


def send(client: FlaskClient, path: str, form: dict[str, Any]) -> Any:
    """As a browser sends a form with a file; the test client's own way leaves a temporary file open."""
    body, _, boundary = stream_encode_multipart(form, use_tempfile=False)
    return client.post(path, data=body.read(), content_type=f"multipart/form-data; boundary={boundary}")


def check(client: FlaskClient, file: str | bytes, status: int = 200) -> Document:
    """Upload a file; the preview."""
    data = file.encode() if isinstance(file, str) else file
    form = {"idempotency_key": get(client, "/payout").hidden("idempotency_key"), "file": FileStorage(io.BytesIO(data), "payout.csv")}
    return page(send(client, "/payout/check", form), status)


def sent_by(preview: Document) -> dict[str, str]:
    """What the form of a preview carries."""
    return {name: preview.hidden(name) for name in ("idempotency_key", "content_key", "lines")}


def confirm(client: FlaskClient, preview: Document, mode: str = "atomic", **chosen: str) -> Any:
    return send(client, "/payout", {**sent_by(preview), "mode": mode, **chosen})


def result_rows(client: FlaskClient, shown: Document) -> list[dict[str, str]]:
    answer = send(client, "/payout/result.csv", {"result": shown.hidden("result")})
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
        ("2", "bob", "10.00", "Lunch", "paid", "990.00"), ("4", "kate", "5.50", "Coffee, and cake", "paid", "984.50"),
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


def test_a_file_that_was_paid_before_says_so_and_is_paid_again_only_when_that_is_meant(people: tuple[FlaskClient, ...]) -> None:
    alice = people[0]
    confirm(alice, check(alice, FILE))
    # Other line ends, another order of lines and columns, a spreadsheet's encoding: the same payments.
    same = "Betrag;Verwendungszweck;Empfänger\r\n5,50;Coffee, and cake;kate\r\n10,00;Lunch;Bob\r\n".encode("utf-16")
    again = check(alice, same)
    assert again.heading == "This file is paid already"
    assert "All of its payments were made before, the first on " in again.text
    assert "Once more to the same people: your balance after is £969.00." in again.text
    assert balance(alice) == "£984.50"

    made = page(confirm(alice, again))  # as somebody does who sends the form without its checkbox
    assert made.heading == "All 2 are paid"
    assert "2 of the payments were made before, and not again." in made.text
    assert balance(alice) == "£984.50"
    for _ in range(2):
        assert page(confirm(alice, again, again="yes")).heading == "All 2 are paid"
        assert balance(alice) == "£969.00"
    assert page(confirm(alice, check(alice, FILE), again="yes")).heading == "All 2 are paid"
    assert balance(alice) == "£953.50"


def test_of_a_file_that_was_paid_in_part_the_rest_is_paid(people: tuple[FlaskClient, ...], database: Any) -> None:
    alice = people[0]
    set_status = "SELECT ledger.set_status((SELECT account_id FROM users WHERE username = 'kate'), '{}')"
    shown = check(alice, FILE)
    database.execute(set_status.format("frozen"))
    assert page(confirm(alice, shown, "each")).heading == "1 of 2 are paid"
    database.execute(set_status.format("open"))
    again = check(alice, FILE)
    assert again.heading == "Is this right?"
    for part in ("1 of its 2 payments were made before", "Paid already1", "Total£5.50", "Your balance after£984.50"):
        assert part in again.text, part
    assert page(confirm(alice, again)).heading == "All 2 are paid"
    assert balance(alice) == "£984.50"


def test_the_same_file_of_two_people_is_two_payouts(people: tuple[FlaskClient, ...]) -> None:
    alice, bob, kate = people
    for payer in (alice, bob):
        assert page(confirm(payer, check(payer, "kate,1.00,Rent\n"))).heading == "All 1 are paid"
    assert [balance(each) for each in (alice, bob, kate)] == ["£999.00", "£999.00", "£1,002.00"]


def test_the_same_line_twice_is_pointed_out_and_paid_only_when_it_is_meant(people: tuple[FlaskClient, ...]) -> None:
    alice = people[0]
    shown = check(alice, "bob,1,Tea\nkate,2\nBOB,1.00,Tea\n")
    assert "£1.00 to bob, “Tea”: lines 1, 3" in shown.text
    for mode in ("atomic", "each"):
        refused = page(confirm(alice, shown, mode), 422)
        assert refused.problems()["repeated"] == "Say that the lines which are the same are meant, or correct the file."
        assert sent_by(refused) == sent_by(shown)
    assert balance(alice) == "£1,000.00"
    assert page(confirm(alice, shown, repeated="yes")).heading == "All 3 are paid"
    assert balance(alice) == "£996.00"
    assert "more than once" not in check(alice, "bob,1,Tea\nbob,1,Coffee\nkate,1,Tea\nbob,2,Tea\n").text


def test_half_sent_in_parts_then_whole_pays_each_line_once(people: tuple[FlaskClient, ...]) -> None:
    alice, bob = people[:2]
    shown = check(alice, "".join(f"bob,1,Line {number}\n" for number in range(10)))
    lines = shown.hidden("lines").splitlines()
    for part in (lines[:4], lines[2:6]):
        answer = alice.post("/payout/part", content_type="multipart/form-data", data={
            **sent_by(shown), "mode": "each", "lines": "\n".join(part)})
        assert answer.json == {"paid": 4, "refused": 0}
    assert balance(alice) == "£994.00"
    assert page(confirm(alice, shown, "each")).heading == "All 10 are paid"
    assert (balance(alice), balance(bob)) == ("£990.00", "£1,010.00")


def test_every_bad_line_is_marked_with_its_number_and_cause_and_nothing_is_paid(people: tuple[FlaskClient, ...]) -> None:
    alice = people[0]
    shown = check(alice, "bob;1\nnobody-here;1\nalice;1\nbob;1,000.00\nbob\nbob;1;a;b\n;5\nkate;2;" + "x" * 201 + "\n")
    assert shown.heading == "7 lines cannot be paid"
    rows = [each.text for each in shown.all("tr") if each.ancestors[-1].tag == "tbody"]
    for line, cause in ((2, "nobody by that username"), (3, "cannot pay yourself"), (4, "Leave them out: write 1000.00."),
                        (5, "Enter an amount"), (6, "more on this line than username, amount and memo"), (7, "whom to pay"),
                        (8, "at most 200")):
        assert any(each.startswith(str(line)) and cause in each for each in rows), cause
    assert "Nothing is paid. Correct these lines in the file and choose it again." in shown.text
    assert shown.all("form", action="/payout") == []
    assert balance(alice) == "£1,000.00"


@pytest.mark.parametrize(("file", "sentence"), [
    ("bob,1,000.00", "This line could mean £1.00 with the memo “000.00”, or £1,000.00."),
    ("kate,1,50", "This line could mean £1.00 with the memo “50”, or £1.50."),
    ("username,memo,amount\nbob,1,50", "This line could mean £50.00 with the memo “1”, or £1.50."),
])
def test_a_line_that_could_mean_two_sums_pays_neither_and_nothing_else(
    people: tuple[FlaskClient, ...], file: str, sentence: str
) -> None:
    alice = people[0]
    shown = check(alice, file + "\nbob,,5\n" if "memo" in file else file + "\nbob,5\n")
    assert shown.heading == "1 line cannot be paid"
    assert sentence in shown.text
    assert shown.all("form", action="/payout") == []


def test_what_was_shown_as_bad_is_not_paid_even_if_it_is_right_by_then(people: tuple[FlaskClient, ...], browser: Any) -> None:
    alice = people[0]
    shown = check(alice, "bob,1\nlater,1\n")
    browser("later")
    assert shown.all("input", name="lines") == []
    assert page(confirm(alice, check(alice, "bob,1\nlater,1\n"), "each")).heading == "All 2 are paid"
    assert balance(alice) == "£998.00"


def test_all_or_nothing_pays_nobody_when_one_is_refused_at_the_end(people: tuple[FlaskClient, ...], database: Any) -> None:
    alice = people[0]
    shown = check(alice, "bob,1\nkate,1\n")
    database.execute("SELECT ledger.set_status((SELECT account_id FROM users WHERE username = 'kate'), 'frozen')")
    made = page(confirm(alice, shown))
    assert made.heading == "Nothing was paid now"
    assert [row["status"] for row in result_rows(alice, made)] == ["not paid", "not paid"]
    assert balance(alice) == "£1,000.00"
    assert page(confirm(alice, shown, "each")).heading == "1 of 2 are paid"
    assert check(alice, "bob,1\nkate,1\n").heading == "1 line cannot be paid"


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
    (b"", "The file is empty."),
    (b"PK\x03\x04\x14\x00xl/workbook.xml", "This is a spreadsheet or a ZIP file, not a CSV file."),
    (b"x" * (3 * 1024 * 1024 + 1), "The file is too large: it may have 3 MB at most."),
    (b"\n\n", "There is no payment in this file."),
    ("bob,1,caf\u00e9\n".encode("latin-1"), "Line 1 is not in UTF-8."),
    (b"bob,1\nkate,1\n" + "bob,1,\u00fcber\n".encode("cp1252"), "Line 3 is not in UTF-8."),
    ("bob,1\n".encode("utf-16-le"), "This is not a text file, or its encoding is not known."),
    (b'bob,1\nkate,"1\nbob,1\n', "Line 2 cannot be read"),
    (b"bob,0.01\n" * 10_001, "Line 10,001 is one too many"),
])
def test_what_is_no_such_file_is_refused_with_its_line(people: tuple[FlaskClient, ...], file: bytes, problem: str) -> None:
    shown = check(people[0], file, 422)
    assert shown.problems()["file"].startswith(problem)


@pytest.mark.parametrize("file", [
    b"bob,1,\xc3\xbcber\n", b"\xef\xbb\xbfbob,1,\xc3\xbcber\r\n", b"\xef\xbb\xbfUsername;Amount;Memo\r\nbob;1;\xc3\xbcber\r\n",
    b'"bob","1","\xc3\xbcber"', b" bob , 1 , \xc3\xbcber ,,\n",
    "\ufeffbob\t1,00\t\u00fcber\n".encode("utf-16-le"), "sep=;\r\nbob;1,00;\u00fcber\r\n".encode(),
    "Objet;Montant;Destinataire\n\u00fcber;1,00;bob".encode(),
])
def test_a_file_may_come_from_any_spreadsheet(people: tuple[FlaskClient, ...], file: bytes) -> None:
    alice = people[0]
    shown = check(alice, file)
    assert shown.heading == "Is this right?"
    assert page(confirm(alice, shown)).heading == "All 1 are paid"
    assert "\u00fcber" in get(alice, "/wallet").text


def test_ten_thousand_lines_are_paid(people: tuple[FlaskClient, ...]) -> None:
    alice, bob = people[:2]
    file = "".join(f"bob,0.01,Line {number}\n" for number in range(1, 10_001)).replace("bob,0.01,Line 7312\n", "bobb,0.01\n")
    shown = check(alice, file)
    assert shown.heading == "1 line cannot be paid"
    assert [each.text for each in shown.all("th", scope="row")] == ["7312"]
    shown = check(alice, file.replace("bobb", "bob"))
    assert len(shown.all("tr")) <= MAXIMUM_LINES_SHOWN + 2
    made = page(confirm(alice, shown))
    assert made.heading == "All 10,000 are paid"
    assert (balance(alice), balance(bob)) == ("£900.00", "£1,100.00")
    assert len(result_rows(alice, made)) == 10_000


def test_the_longest_file_goes_through_every_form(people: tuple[FlaskClient, ...]) -> None:
    alice = people[0]
    file = "".join(f"bob,0.01,{number:05}{'é' * 140}\n" for number in range(10_000)).encode()
    assert 0.9 * MAXIMUM_FILE_BYTES < len(file) <= MAXIMUM_FILE_BYTES
    made = page(confirm(alice, check(alice, file)))
    assert made.heading == "All 10,000 are paid"
    assert len(result_rows(alice, made)) == 10_000


def test_a_form_beyond_its_limit_is_refused(people: tuple[FlaskClient, ...]) -> None:
    data = b"x" * (MAXIMUM_PAYOUT_FORM_BYTES + 1)
    for path in ("/payout/check", "/payout", "/payout/part", "/payout/result.csv"):
        assert people[0].post(path, data=data, content_type="multipart/form-data; boundary=x").status_code == 413


@pytest.mark.parametrize("lines", [
    "", "\n", "x,1,bob,1,", "1,1,bob,1", "1,1,bob,1,\n1,2,bob,1,", "1,1,bob,1,\n2,1,bob,1,", "0,1,bob,1,", "1,0,bob,1,", "1,10001,bob,1,",
    "10000001,1,bob,1,", '1,1,"bob,1,', "1,1,,1,", "1,1,bob,x,", '1,1,bob,"1,000",', "1,1,bob,1,,", "1,1,nobody here,1,",
])
def test_a_form_that_was_tampered_with_pays_nothing(people: tuple[FlaskClient, ...], lines: str) -> None:
    alice = people[0]
    answer = alice.post("/payout", data={"idempotency_key": str(uuid4()), "content_key": str(uuid4()), "lines": lines, "mode": "each"})
    assert "This form was not complete" in page(answer, 422).text
    for keys in ({}, {"content_key": "x"}, {"content_key": str(uuid4()), "again": "yes"}):
        assert alice.post("/payout", data={"lines": "1,1,bob,1,", **keys}).status_code == 422
    assert balance(alice) == "£1,000.00"


def test_text_of_people_cannot_run_as_a_formula_in_the_result(people: tuple[FlaskClient, ...]) -> None:
    alice = people[0]
    made = page(confirm(alice, check(alice, "bob,1,=4\n")))
    assert [(row["username"], row["amount"], row["memo"]) for row in result_rows(alice, made)] == [("bob", "1.00", "'=4")]
