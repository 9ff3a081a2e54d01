"""What a mutation changes, it changes once, however often it is executed."""

from __future__ import annotations

import pytest

from app.graphql_engine.execution import RootResults


def test_what_a_mutation_made_is_given_again_and_not_done_again() -> None:
    done: list[int] = []
    results = RootResults()
    assert [results.once("pay", lambda: done.append(1) or "payload") for _ in range(2)] == ["payload"] * 2  # type: ignore[func-returns-value]
    assert done == [1]


def test_what_a_mutation_failed_with_is_raised_again_and_not_tried_again() -> None:
    done: list[int] = []
    results = RootResults()

    def fail() -> object:
        done.append(1)
        raise ValueError("a bug")

    for _ in range(2):
        with pytest.raises(ValueError, match="a bug"):
            results.once("pay", fail)
    assert done == [1]
