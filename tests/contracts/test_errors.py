"""Every expected failure has a stable code, a status and a sentence for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.errors import WalletError

if TYPE_CHECKING:
    from collections.abc import Iterator


def catalogue(of: type[WalletError] = WalletError) -> Iterator[type[WalletError]]:
    for each in of.__subclasses__():
        yield each
        yield from catalogue(each)


@pytest.mark.parametrize("error", list(catalogue()), ids=lambda error: error.__name__)
def test_an_error_has_a_code_a_status_and_a_sentence_for_people(error: type[WalletError]) -> None:
    assert error.code == error.code.upper()
    assert 400 <= error.http_status <= 503
    assert error.default_message[0].isupper()
    assert error.default_message.endswith(".")
    assert error.__doc__
