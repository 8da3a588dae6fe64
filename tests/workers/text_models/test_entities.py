from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from workers.text_models.entities import Tagged, entities_of
from workers.text_models.tokenized import TokenizedText

LABELS = ("O", "B-DRUG", "I-DRUG", "B-DOSE", "I-DOSE", "SIGN")
OUT, B_DRUG, I_DRUG, B_DOSE, I_DOSE, SIGN = range(6)


def note(total: int, starts: Sequence[int] = (0,), counts: Sequence[int] | None = None) -> TokenizedText:
    """Tokens of three characters, one apart: token t is characters 4t to 4t + 3."""
    offsets = np.array([(4 * t, 4 * t + 3) for t in range(total)], np.int32).reshape(-1, 2)
    counts = counts or [total]
    windows = tuple(np.zeros(count + 2, np.int32) for count in counts)
    return TokenizedText(windows, tuple(starts), tuple(counts), 1, total, False, offsets)


def tagged(numbers: Sequence[int], scores: Sequence[float] | float = 0.5) -> Tagged:
    given = [scores] * len(numbers) if isinstance(scores, float) else scores
    return np.array(numbers, np.int64), np.array(given, np.float32)


def found(numbers: Sequence[int], scores: Sequence[float] | float = 0.5) -> list[tuple[int, int, str]]:
    entities = entities_of(note(len(numbers)), [tagged(numbers, scores)], LABELS, "longest")
    return [(entity["start"], entity["end"], entity["label"]) for entity in entities]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([OUT, OUT], []),
        ([OUT, B_DRUG, I_DRUG, OUT], [(4, 11, "DRUG")]),
        ([B_DRUG, B_DRUG], [(0, 3, "DRUG"), (4, 7, "DRUG")]),
        ([I_DRUG, I_DRUG], [(0, 7, "DRUG")]),
        ([B_DRUG, I_DOSE, I_DOSE], [(0, 3, "DRUG"), (4, 11, "DOSE")]),
        ([SIGN, SIGN, OUT, SIGN], [(0, 7, "SIGN"), (12, 15, "SIGN")]),
        ([OUT, B_DOSE], [(4, 7, "DOSE")]),
        ([], []),
    ],
)
def test_runs_of_one_label_are_spans_and_a_b_begins_a_new_one(numbers: list[int], expected: list[Any]) -> None:
    assert found(numbers) == expected


def test_the_score_of_a_span_is_the_mean_of_its_tokens() -> None:
    (entity,) = entities_of(note(3), [tagged([B_DRUG, I_DRUG, OUT], [0.5, 0.75, 1.0])], LABELS, "context")
    assert entity["score"] == 0.625


def test_in_an_overlap_each_token_is_taken_from_the_window_that_sees_more_around_it() -> None:
    """Windows of four tokens over six, two shared: token 2 is nearer to the first one's cut only at its right end."""
    six = note(6, (0, 2), (4, 4))
    first, second = tagged([OUT, OUT, B_DRUG, B_DRUG], 0.25), tagged([OUT, OUT, OUT, OUT], 0.75)
    entities = entities_of(six, [first, second], LABELS, "context")
    assert [(entity["start"], entity["end"]) for entity in entities] == [(8, 11)]


def test_of_spans_that_overlap_the_longer_stays_and_of_equal_ones_the_more_probable() -> None:
    six = note(6, (0, 2), (4, 4))
    longer = [tagged([OUT, OUT, OUT, B_DRUG], 0.99), tagged([OUT, B_DOSE, I_DOSE, OUT], 0.1)]
    equal = [tagged([OUT, OUT, OUT, B_DRUG], 0.2), tagged([OUT, B_DOSE, OUT, OUT], 0.3)]
    labels = [entities_of(six, windows, LABELS, "longest") for windows in (longer, equal)]
    assert [[entity["label"] for entity in entities] for entities in labels] == [["DOSE"], ["DOSE"]]


def test_spans_that_only_touch_both_stay() -> None:
    touching = note(2, (0, 1), (1, 1))
    entities = entities_of(touching, [tagged([B_DRUG]), tagged([B_DRUG])], LABELS, "longest")
    assert len(entities) == 2
