"""A file of payments is read line by line; each line is a payment, or says what is wrong with it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

import pytest
from hypothesis import given, settings, strategies

from app.errors import InvalidInputError, WalletError
from app.money import Currency
from app.payments import MAXIMUM_PAYOUT_ITEMS, PayoutItem, read_numbered_lines, read_payout_file, write_numbered_lines

if TYPE_CHECKING:
    from app.payments import PayoutLine

GBP, KEY = Currency("GBP", 2), UUID("5d3c9a71-e84b-4f26-9b0d-000000000001")


def read(data: str | bytes) -> list[PayoutLine]:
    return read_payout_file(data.encode() if isinstance(data, str) else data, key=KEY, currency=GBP)


def told(line: PayoutLine) -> object:
    """What the line means, or the beginning of what is wrong with it."""
    if isinstance(line.item, WalletError):
        return (line.number, line.item.user_message[:20])
    return (line.number, line.item.to, line.item.amount.amount, line.item.memo)


@pytest.mark.parametrize(("data", "found"), [
    ("bob,1", [(1, "bob", "1.00", None)]),
    ("bob;1;x", [(1, "bob", "1.00", "x")]),
    ("\r\n\r\nbob,1,x\r\n\r\n,,\r\nkate,2\r\n", [(3, "bob", "1.00", "x"), (6, "kate", "2.00", None)]),
    ("Username,Amount,Memo\nbob,1", [(2, "bob", "1.00", None)]),
    ("TO;AMOUNT\nbob;1", [(2, "bob", "1.00", None)]),
    ("\ufeffhandle,amount\nbob,1", [(2, "bob", "1.00", None)]),
    ("bob,1\nusername,amount", [(1, "bob", "1.00", None), (2, "That is not an amoun")]),
    ('bob;1;"a;b, ""c"""', [(1, "bob", "1.00", 'a;b, "c"')]),
    ('bob,1,"two\nlines"\nkate,1', [(1, "bob", "1.00", "two lines"), (3, "kate", "1.00", None)]),
    ('"bob";"1,50";"x"', [(1, "Write the amount wit")]),
    ("@Bob,1,a;b", [(1, "Bob", "1.00", "a;b")]),
    ("bob", [(1, "Enter an amount, for")]),
    (",1", [(1, "Write whom to pay fi")]),
    ("bob,1,a,b", [(1, "There is more than u")]),
    ("bob,1,a,,", [(1, "bob", "1.00", "a")]),
    ("bob,1," + "x" * 200, [(1, "bob", "1.00", "x" * 200)]),
    ("bob,1," + "x" * 201, [(1, "A memo has at most 2")]),
    ("bob,1,a\x00b", [(1, "The memo holds a cha")]),
])
def test_a_file_reads_as_it_was_meant(data: str, found: list[object]) -> None:
    assert [told(each) for each in read(data)] == found


def test_a_lines_key_is_made_of_the_payouts_and_its_number() -> None:
    first, second = (each.item for each in read("bob,1\nbob,1"))
    assert isinstance(first, PayoutItem)
    assert isinstance(second, PayoutItem)
    assert (first.idempotency_key, second.idempotency_key) == (uuid5(KEY, "1"), uuid5(KEY, "2"))


@pytest.mark.parametrize(("data", "sentence"), [
    (b"", "There is no payment in this file."),
    (b"username,amount\n", "There is no payment in this file."),
    (b"bob,1\n\xff,1", "Line 2 is not in UTF-8."),
    (b"\xff\xfeb\x00o\x00b\x00", "Line 1 is not in UTF-8."),
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
    carried = write_numbered_lines((each, each.item if isinstance(each.item, WalletError) else None) for each in lines)
    back = read_numbered_lines(carried, key=KEY, currency=GBP)
    assert [told(each) for each in back] == [told(each) for each in lines]


@pytest.mark.parametrize("text", [
    "", "x", "1", "1,bob,1,", "1,bob,1,,,", "x,bob,1,,", "0,bob,1,,", "-1,bob,1,,", "1000001,bob,1,,", '1,"bob',
])
def test_a_form_that_carries_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"\w"):
        read_numbered_lines(text, key=KEY, currency=GBP)
