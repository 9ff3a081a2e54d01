"""A file of payments is read line by line; each line is a payment, or says what is wrong with it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

import pytest
from hypothesis import given, settings, strategies

from app.errors import InvalidInputError, WalletError
from app.money import Currency
from app.payments import (
    MAXIMUM_FILE_BYTES,
    MAXIMUM_PAYOUT_ITEMS,
    Order,
    items_of,
    read_carried_lines,
    read_payout_file,
    write_carried_lines,
)

if TYPE_CHECKING:
    from app.payments import PayoutLine

GBP, KEY = Currency("GBP", 2), UUID("5d3c9a71-e84b-4f26-9b0d-000000000001")


def read(data: str | bytes) -> list[PayoutLine]:
    return read_payout_file(data.encode() if isinstance(data, str) else data, GBP)


def told(line: PayoutLine) -> object:
    """What the line means, or the beginning of what is wrong with it."""
    if isinstance(line.payment, WalletError):
        return (line.number, line.payment.user_message[:20])
    return (line.number, line.payment.to, line.payment.amount.amount, line.payment.memo)


@pytest.mark.parametrize(("data", "found"), [
    ("bob,1", [(1, "bob", "1.00", None)]),
    ("bob;1;x", [(1, "bob", "1.00", "x")]),
    ("\r\n\r\nbob,1,x\r\n\r\n,,\r\nkate,2\r\n", [(3, "bob", "1.00", "x"), (6, "kate", "2.00", None)]),
    ("Username,Amount,Memo\nbob,1", [(2, "bob", "1.00", None)]),
    ("TO;AMOUNT\nbob;1", [(2, "bob", "1.00", None)]),
    ("\ufeffhandle,amount\nbob,1", [(2, "bob", "1.00", None)]),
    ("bob,1\nusername,amount", [(1, "bob", "1.00", None), (2, "That is not an amoun")]),
    ('bob;1;"a;b, ""c"""', [(1, "bob", "1.00", 'a;b, "c"')]),
    # A quotation mark that is not meant as one would hide the payments up to the next.
    ('bob,1,"two\nlines"\nkate,1', [(1, "A quotation mark ope"), (3, "kate", "1.00", None)]),
    ('"bob";"1,50";"x"', [(1, "bob", "1.50", "x")]),
    ("bilal;1,50;lunch", [(1, "bilal", "1.50", "lunch")]),
    ("bob\t1,50\tx", [(1, "bob", "1.50", "x")]),
    ('bob,"1,50"', [(1, "bob", "1.50", None)]),
    ("sep=;\r\nbob;1;x", [(2, "bob", "1.00", "x")]),
    ("sep=,\nMemo,To,Amount\nx,bob,1", [(3, "bob", "1.00", "x")]),
    ("Verwendungszweck;Betrag (GBP);Empf\u00e4nger\nx;1,50;bob", [(2, "bob", "1.50", "x")]),
    ("Montant en GBP;B\u00e9n\u00e9ficiaire\n1,50;bob", [(2, "bob", "1.50", None)]),
    ("importe\tdestinatario\tconcepto\n1,5\tbob\tx", [(2, "bob", "1.50", "x")]),
    ('bob, 1, "a, b"', [(1, "bob", "1.00", "a, b")]),
    ("bob;1,5\nkate;1.5", [(1, "bob", "1.50", None), (2, "This amount has a de")]),
    ("@Bob,1,a;b", [(1, "bob", "1.00", "a;b")]),
    ("bob", [(1, "Enter an amount, for")]),
    (",1", [(1, "Write whom to pay: a")]),
    ("bob,1,a,b", [(1, "There is more on thi")]),
    ("to,amount\nbob,1,a", [(2, "There is more on thi")]),
    # A number beside the amount that is not the rest of one.
    ("bob,5,2024\nbob,5.00,50\nbob,5,2nd half", [(1, "bob", "5.00", "2024"), (2, "bob", "5.00", "50"), (3, "bob", "5.00", "2nd half")]),
    ("bob,1,a,,", [(1, "bob", "1.00", "a")]),
    ("bob,1," + "x" * 200, [(1, "bob", "1.00", "x" * 200)]),
    ("bob,1," + "x" * 201, [(1, "A memo has at most 2")]),
    ("bob,1,a\x01b", [(1, "The memo holds a cha")]),
])
def test_a_file_reads_as_it_was_meant(data: str, found: list[object]) -> None:
    assert [told(each) for each in read(data)] == found


BEGIN = "or begin the memo with a word"
AND_QUOTE = f"{BEGIN} and put it in quotes"


@pytest.mark.parametrize(("data", "sentence"), [
    ("bilal,1,000.00", f"This line could mean £1.00 with the memo “000.00”, or £1,000.00. Write 1000.00 as the amount, {BEGIN}."),
    ("chloe,1,50", f"This line could mean £1.00 with the memo “50”, or £1.50. Write 1.50 as the amount, {BEGIN}."),
    ("chloe,1,50 EUR", f"This line could mean £1.00 with the memo “50 EUR”, or £1.50. Write 1.50 as the amount, {BEGIN}."),
    ("chloe,5,00", f"This line could mean £5.00 with the memo “00”, or £5.00. Write 5.00 as the amount, {BEGIN}."),
    ("chloe,1,000,000.00", ("This line could mean £1.00 with the memo “000,000.00”, or £1,000.00, or £1,000,000.00. "
                           f"Write 1000.00 or 1000000.00 as the amount, {AND_QUOTE}.")),
    ("bob,1,000.00,x", f"This line could mean £1.00 with the memo “000.00,x”, or £1,000.00. Write 1000.00 as the amount, {AND_QUOTE}."),
    ("to,amount\nbob,1,50", "This line could mean £1.00 with the memo “50”, or £1.50. Write 1.00 or 1.50 as the amount."),
    ("to,memo,amount\nbob,1,50", f"This line could mean £50.00 with the memo “1”, or £1.50. Write 1.50 as the amount, {BEGIN}."),
    ("amount,to,memo\n1,50,bob", f"This line could mean £1.00 with the memo “bob”, or £1.50. Write 1.50 as the amount, {BEGIN}."),
    ("bob,0,50", "This line could mean £0.50. Write 0.50 as the amount."),
    ("bob;1,000.00", "“1,000.00” has marks between thousands. Leave them out: write 1000.00."),
    ("bob;1.000,00", "“1.000,00” has marks between thousands. Leave them out: write 1000.00."),
    ("bob;1 000,00", "“1 000,00” has marks between thousands. Leave them out: write 1000.00."),
    ('bob,"1,000"', "“1,000” could mean £1.00 or £1,000.00. Write 1.00 or 1000.00."),
    ("bob;1.000", "“1.000” could mean £1.00 or £1,000.00. Write 1.00 or 1000.00."),
    ("bob,1.255", "“1.255” means £1,255.00 in some countries and not in others. Write 1255.00 if you mean that."),
])
def test_a_line_that_could_mean_two_sums_is_refused_with_both(data: str, sentence: str) -> None:
    wrong = read(data)[0].payment
    assert isinstance(wrong, WalletError)
    assert wrong.user_message == sentence


def test_a_lines_key_is_made_of_the_payouts_and_its_place_among_the_same_payments_in_any_order() -> None:
    def keys(data: str) -> dict[tuple[str, str | None, int], UUID]:
        lines = read(data)
        items = items_of(lines, KEY)
        assert all(isinstance(each, Order) for each in items)
        return {(line.to, line.memo, line.number): item.idempotency_key for line, item in zip(lines, items, strict=True)
                if isinstance(item, Order)}

    assert keys("bob,1\nbob,1\namy,2,x") == {
        ("bob", "", 1): uuid5(KEY, "2"), ("bob", "", 2): uuid5(KEY, "3"), ("amy", "x", 3): uuid5(KEY, "1")}
    assert keys("amount;memo;to\n2,00;x;amy\n\n1,00;;bob\n1;;bob") == {
        ("amy", "x", 2): uuid5(KEY, "1"), ("bob", "", 4): uuid5(KEY, "2"), ("bob", "", 5): uuid5(KEY, "3")}


@pytest.mark.parametrize(("data", "sentence"), [
    (b"", "The file is empty."),
    (b"\n \n", "There is no payment in this file."),
    (b"x" * (MAXIMUM_FILE_BYTES + 1), "The file is too large: it may have 3 MB at most."),
    (("é" * (MAXIMUM_FILE_BYTES // 2)).encode("utf-16"), "The file is too large: it may have 3 MB at most."),
    (b"PK\x03\x04xl/workbook.xml", "This is a spreadsheet or a ZIP file, not a CSV file. Save it as"),
    (b"PK\x05\x06", "This is an empty ZIP file, not a CSV file."),
    (b"\xd0\xcf\x11\xe0\xa1", "This is a spreadsheet of an older Excel"),
    (b"%PDF-1.7", "This is a PDF file"),
    (b"\x1f\x8b\x08", "This is a compressed file"),
    ("bob,1".encode("utf-32"), "This file is in UTF-32."),
    ("bob,1".encode("utf-16-le"), "This is not a text file, or its encoding is not known."),
    (b"\xff\xfeb\x00o", "This file says that it is in UTF-16, and is not."),
    (b"sep=|\nbob|1", "The line “sep=” stands first in a file and names a comma, a semicolon or a tab."),
    (b"bob,abc\n", "Line 1 has no amount. If it holds headings, name them username, amount and memo."),
    (b"\nusername,sum of it\nbob,1", "Line 2 holds headings: “sum of it” is not known."),
    (b"to,amount,date\nbob,1,x", "Line 1 holds headings: “date” is not known."),
    (b"to,name,amount\nbob,bob,1", "Line 1 holds headings: “to” and “name” mean the same."),
    (b"to,memo\nbob,1", "Line 1 holds headings: no column is named amount."),
    (b"amount,memo\n1,bob", "Line 1 holds headings: no column is named username."),
    (b"to,amount (EUR)\nbob,1", "Line 1 holds headings: the amounts are in EUR, and this wallet pays in GBP."),
    (b"username,amount\n", "There is no payment in this file."),
    (b"bob,1\n\xff,1", "Line 2 is not in UTF-8."),
    (b'bob,1\nbob,1,"x', "Line 2 cannot be read"),
    (b'bob,1\nbob,1,"x"y', "Line 2 cannot be read"),
    (b"bob,1," + b"x" * 200_000, "Line 1 cannot be read"),
])
def test_what_is_no_such_file_is_refused_with_its_line(data: bytes, sentence: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read(data)
    assert refused.value.user_message.startswith(sentence)


def test_ten_thousand_lines_are_read_and_one_more_is_refused_by_its_number() -> None:
    assert len(read("to,amount\n" + "bob,1\n" * MAXIMUM_PAYOUT_ITEMS)) == 10_000
    with pytest.raises(InvalidInputError, match="Line 10,003 is one too many"):
        read("to,amount\n\n" + "bob,1\n" * (MAXIMUM_PAYOUT_ITEMS + 1))


@settings(deadline=None, database=None)
@given(data=strategies.one_of(strategies.binary(max_size=60), strategies.text(alphabet=',;"\r\nab1.@\x00é', max_size=40).map(str.encode)))
def test_any_bytes_at_all_are_lines_or_a_refusal_and_come_back_from_the_form_as_they_were(data: bytes) -> None:
    try:
        lines = read(data)
    except InvalidInputError:
        return
    assert all(first.number < second.number for first, second in pairwise(lines))
    if any(isinstance(each.payment, WalletError) for each in lines):
        return
    back = read_carried_lines(write_carried_lines(lines), GBP)
    assert [told(each) for each in back] == [told(each) for each in lines]
    assert items_of(back, KEY) == items_of(lines, KEY)


@pytest.mark.parametrize("text", [
    "", "x", "1", "1,1,bob,", "1,1,bob,1,,", "x,1,bob,1,", "0,1,bob,1,", "-1,1,bob,1,", "10000001,1,bob,1,", '1,1,"bob', "1,10001,bob,1,",
    "1,1,bob,1,\n1,2,bob,1,", "1,1,bob,1,\n2,1,bob,1,",
])
def test_a_form_that_carries_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"\w"):
        read_carried_lines(text, GBP)
