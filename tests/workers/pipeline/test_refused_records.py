"""Halving finds the records that a model refuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import RecordError
from schemas.status import Status
from workers.pipeline.refused_records import score_in_halves


def squares(seen: list[list[int]]) -> Callable[[Sequence[int]], list[int]]:
    def score(items: Sequence[int]) -> list[int]:
        seen.append(list(items))
        if any(item < 0 for item in items):
            raise RecordError(Status.OUT_OF_CONTRACT, f"{min(items)} is negative")
        return [item * item for item in items]

    return score


@given(st.lists(st.integers(-3, 30), min_size=1, max_size=40))
def test_whoever_is_refused_alone_is_refused_and_everybody_else_is_scored_once_in_order(items: list[int]) -> None:
    refused: list[tuple[int, str]] = []
    done = score_in_halves(items, squares([]), lambda item, error: refused.append((item, error.detail)))
    assert [item for part, _ in done for item in part] == [item for item in items if item >= 0]
    assert [value for _, values in done for value in values] == [item * item for item in items if item >= 0]
    assert refused == [(item, f"{item} is negative") for item in items if item < 0]


def test_items_that_nobody_refuses_are_scored_together() -> None:
    seen: list[list[int]] = []
    score_in_halves([1, 2, 3], squares(seen), lambda item, error: None)
    assert seen == [[1, 2, 3]]
