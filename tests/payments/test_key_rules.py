"""A key is an id that was made: whatever makes ids, its ids pass; placeholders and examples do not."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from random import Random
from uuid import NAMESPACE_URL, UUID, uuid1, uuid3, uuid4, uuid5

import pytest

from app.errors import InvalidInputError
from app.payments import parse_key

ROOT = Path(__file__).parents[2]
PATTERN = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
# What shows people how an id looks.
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "schema").glob("*.*"),
         *(ROOT / "app").rglob("*.py"), *(ROOT / "app").rglob("*.html"), *(ROOT / "app").rglob("*.js")]
OFTEN = 10_000


def as_version(version: int, value: UUID) -> UUID:
    """The same random bits as an id of this version."""
    return UUID(int=value.int & ~(0xF << 76) | version << 76)


def of_version_7(milliseconds: int) -> UUID:
    """An id of that moment. Source: RFC 9562, section 5.7."""
    return as_version(7, UUID(int=uuid4().int & (1 << 80) - 1 | milliseconds << 80))


def test_an_id_that_was_made_passes_whatever_made_it() -> None:
    for place in range(OFTEN):
        for made in (uuid4(), uuid5(NAMESPACE_URL, str(place)), uuid3(NAMESPACE_URL, str(place)), uuid1(),
                     of_version_7(1_795_000_000_000 + place), as_version(6, uuid1()), as_version(8, uuid4())):
            assert parse_key(str(made)) == made


@pytest.mark.parametrize("card", [0x02FC00000001, 0x020000000001, 0x00005E000101, 0x525400123456, 0xFFFFFFFFFFFF])
def test_an_id_with_the_address_of_a_card_passes_whatever_the_address(card: int) -> None:
    chance = Random(card)  # noqa: S311 - the same ids at every run
    for version, _ in product((1, 6), range(OFTEN)):
        moment_and_clock = chance.getrandbits(80) << 48
        made = as_version(version, UUID(int=(moment_and_clock | card) & ~(0b11 << 62) | 0b10 << 62))
        assert parse_key(str(made)) == made


@pytest.mark.parametrize("text", [
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "11111111-1111-1111-1111-111111111111",
    "11111111-1111-4111-8111-111111111111", "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", "11111111-2222-4333-8444-555555555555",
    "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000123456", "00000000-0000-4000-8000-0123456789ab",
    "00000000-0000-7000-8000-00000000002a", "12345678-1234-4234-8234-123456789abc", "12345678-1234-1234-9234-123456789012",
    "deadbeef-dead-4eef-beef-deadbeefdead", "01234567-89ab-4def-8123-456789abcdef", "550e8400-e29b-41d4-a716-446655440000",
    "123e4567-e89b-12d3-a456-426614174000", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "3fa85f64-5717-4562-b3fc-2c963f66afa6",
])
def test_a_placeholder_or_a_known_example_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse_key(text)
    assert (refused.value.code, refused.value.field) == ("INVALID_INPUT", "idempotencyKey")
    assert refused.value.user_message == (
        "That id is a placeholder or an example, so it is no payment's own. Make a new random UUID for each payment.")


@pytest.mark.parametrize("text", [
    "7b0c8e0e-5a5c-1a4e-8a53-0d2a8b0f4d11", "7b0c8e0e-5a5c-8a4e-ba53-0d2a8b0f4d11",  # the first version and the last, and variants
    "11223344-5566-4788-99ab-111111111111",  # ten bytes differ
    "7b0c8e1e-5a5c-4a4e-9a53-0000000000ff",  # five are zero
    "92000000-eb9d-61f1-b50f-02fc00000001",  # of version 6, with the address of a card: six are zero
    "11223344-5511-1166-9911-111111111111", "7b008e00-5a00-1a4e-9a53-000000000001",  # seven differ, eight are zero
])
def test_just_within_the_rules(text: str) -> None:
    assert parse_key(text) == UUID(text)


@pytest.mark.parametrize("text", [
    "7b0c8e0e-5a5c-0a4e-8a53-0d2a8b0f4d11", "7b0c8e0e-5a5c-9a4e-8a53-0d2a8b0f4d11",
    "7b0c8e0e-5a5c-4a4e-7a53-0d2a8b0f4d11", "7b0c8e0e-5a5c-4a4e-ca53-0d2a8b0f4d11",
    "11223344-5566-4788-9911-111111111111", "7b008e1e-5a5c-4a4e-9a53-0000000000ff",
    "11223344-5511-1144-9911-111111111111", "7b008e00-0000-1a4e-9a53-000000000001",
    "00000000-0000-1000-8000-0242ac110002",
])
def test_just_beyond_them(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_key(text)


def test_no_id_that_our_pages_show_is_a_key() -> None:
    shown = {UUID(text) for path in PAGES for text in PATTERN.findall(path.read_text(encoding="utf-8"))}
    assert len(shown) > 20
    for each in shown:
        with pytest.raises(InvalidInputError):
            parse_key(str(each))
