"""What a mutation did is done once, however often its answer is worked out."""

from __future__ import annotations

import pytest

from app.api.context import Outcome


def test_what_a_mutation_made_is_given_again_and_not_done_again() -> None:
    done: list[int] = []
    outcome = Outcome()
    assert [outcome.of(lambda: done.append(1) or "payload") for _ in range(2)] == ["payload"] * 2  # type: ignore[func-returns-value]
    assert done == [1]


def test_what_a_mutation_failed_with_is_raised_again_and_not_tried_again() -> None:
    done: list[int] = []
    outcome = Outcome()

    def fail() -> object:
        done.append(1)
        raise ValueError("a bug")

    for _ in range(2):
        with pytest.raises(ValueError, match="a bug"):
            outcome.of(fail)
    assert done == [1]
