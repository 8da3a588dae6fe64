"""Three heads over windows of tokens, by hand: the model is a table of one row a token."""

import math
from typing import Any

import numpy as np
import pytest

from schemas.outputs import OutputField
from tests.support.tables import table_network
from workers.contract import ModelCard
from workers.text_models.scorers import POOL, Classifier, Embedder, Tagger
from workers.text_models.token_windows import COUNTS, STEP
from workers.text_models.tokenized import TokenizedText


def note(*windows: list[int], starts: tuple[int, ...] = (0,), offsets: Any = None, truncated: bool = False) -> Any:
    """One token at each end of a window is special."""
    counts = tuple(len(window) - 2 for window in windows)
    total = max(start + count for start, count in zip(starts, counts, strict=True))
    arrays = tuple(np.array(window, np.int32) for window in windows)
    return TokenizedText(arrays, starts, counts, 1, total, truncated, offsets)


def card(*labels: str, **settings: Any) -> ModelCard:
    fields = [OutputField(name=f"score_{label}", type="float32", meaning=label) for label in labels]
    return ModelCard("x", (*fields, *COUNTS), settings={"labels": list(labels), **settings})


LOG3 = math.log(3)
# As probabilities: token 1 is (1/2, 1/2), token 2 (1/4, 3/4), token 3 (3/4, 1/4).
TEXTS = [[0.0, 0.0], [0.0, 0.0], [0.0, LOG3], [LOG3, 0.0]]


@pytest.mark.parametrize(("aggregation", "expected"), [("mean", [0.5, 0.5]), ("max", [0.75, 0.75])])
def test_a_notes_scores_are_those_of_its_windows_put_together_as_the_step_says(
    aggregation: str, expected: list[float]
) -> None:
    settings = {"activation": "softmax", STEP: {"aggregation": aggregation}}
    scorer = Classifier(table_network(TEXTS, "texts"), card("a", "b", **settings))
    found = scorer.score([note([2, 1, 1], [3, 1, 1], starts=(0, 1)), note([2, 1, 1, 1], truncated=True)])
    np.testing.assert_allclose([found["score_a"][0], found["score_b"][0]], expected, atol=1e-6)
    np.testing.assert_allclose([found["score_a"][1], found["score_b"][1]], [0.25, 0.75], atol=1e-6)
    assert found["score_a"].dtype == np.float32
    assert found["n_tokens"].tolist() == [2, 2]
    assert found["n_windows"].tolist() == [2, 1]
    assert found["truncated"].tolist() == [False, True]


def test_with_sigmoid_each_label_stands_on_its_own() -> None:
    scorer = Classifier(table_network(TEXTS, "texts"), card("a", "b", activation="sigmoid", **{STEP: {}}))
    found = scorer.score([note([2, 1, 1])])
    np.testing.assert_allclose([found["score_a"][0], found["score_b"][0]], [0.5, 0.75], atol=1e-6)


# Token 1 is outside; 2 is a B-DRUG with probability 3/4 of 1, 3 an I-DRUG.
TAGS = [[0.0] * 3, [9.0, 0.0, 0.0], [0.0, math.log(6), 0.0], [0.0, 0.0, math.log(6)]]


def test_a_tagger_gives_spans_of_characters_without_the_special_tokens() -> None:
    scorer = Tagger(table_network(TAGS, "tokens"), card("O", "B-DRUG", "I-DRUG", **{STEP: {"merge": "context"}}))
    # The special tokens would be entities, were they looked at.
    offsets = np.array([[0, 4], [5, 8], [9, 12]], np.int32)
    found = scorer.score([note([2, 1, 2, 3, 2], offsets=offsets), note([2, 1, 2], offsets=offsets[:1])])
    first, second = found["entities"]
    assert second == []
    (entity,) = first
    assert (entity["start"], entity["end"], entity["label"]) == (5, 12, "DRUG")
    assert entity["score"] == pytest.approx(0.75)


STATES = [[0.0, 0.0], [1.0, 8.0], [2.0, 2.0], [3.0, -4.0], [0.0, 0.0]]


def embedding(*notes: Any, pooling: tuple[str, ...], normalize: bool = False) -> list[list[float]]:
    scorer = Embedder(table_network(STATES, "states"), card(pooling=pooling, normalize=normalize))
    vectors = scorer.score(list(notes))["embedding"]
    assert {vector.dtype for vector in vectors} == {np.dtype(np.float32)}
    return [vector.tolist() for vector in vectors]


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        (("cls",), [1.0, 8.0]),
        (("max",), [3.0, 8.0]),
        (("mean",), [2.0, 2.0]),
        (("cls", "max"), [1.0, 8.0, 3.0, 8.0]),
    ],
)
def test_a_window_is_pooled_over_all_of_its_tokens(pooling: tuple[str, ...], expected: list[float]) -> None:
    assert embedding(note([1, 2, 3]), pooling=pooling) == [expected]


def test_the_mean_over_the_root_of_the_length_is_longer_for_a_longer_text() -> None:
    (short,), (long,) = (embedding(note([2] * n), pooling=("mean_sqrt_len",)) for n in (4, 9))
    assert (short, long) == ([4.0, 4.0], [6.0, 6.0])
    assert set(POOL) == {"cls", "max", "mean", "mean_sqrt_len"}


def test_windows_of_a_note_count_by_their_tokens_of_text() -> None:
    # Windows of 1 and 3 tokens of text with vectors (1, 8) and (3, -4): (1 x 1 + 3 x 3) / 4 and (8 - 12) / 4.
    long = note([1, 0, 0], [3, 0, 0, 0, 0], starts=(0, 1))
    assert embedding(long, note([2, 2, 2]), pooling=("cls",)) == [[2.5, -1.0], [2.0, 2.0]]


def test_a_vector_is_normalised_once_it_is_the_notes_and_one_of_zeros_stays() -> None:
    assert embedding(note([3, 3, 3]), note([4, 4, 4]), pooling=("cls",), normalize=True) == [
        pytest.approx([0.6, -0.8]),
        [0.0, 0.0],
    ]
