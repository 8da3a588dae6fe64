"""Logits of texts give the scores that `predict` makes of their windows, and a gradient wherever they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from schemas.errors import SpecError
from workers.models.head import Activation, activate
from workers.text_models.token_windows import ScoreWindows
from workers.text_models.token_windows import over_windows as of_scores
from workers.text_models.training.texts import over_windows

COUNTS = [1, 3, 2, 5]
WAYS: list[tuple[Activation, dict[str, Any]]] = [
    ("sigmoid", {"aggregation": "mean"}),
    ("sigmoid", {"aggregation": "max"}),
    ("sigmoid", {"aggregation": "clinicalbert"}),
    ("sigmoid", {"aggregation": "clinicalbert", "c": 5.0}),
    ("softmax", {"aggregation": "mean"}),
    ("none", {"aggregation": "mean"}),
    ("none", {"aggregation": "max"}),
]


@pytest.mark.parametrize(("activation", "how"), WAYS)
def test_scores_of_the_logits_of_a_text_are_those_that_predict_makes(
    activation: Activation, how: dict[str, Any]
) -> None:
    logits = np.random.default_rng(0).normal(0, 4, (sum(COUNTS), 3)).astype(np.float32)
    wanted = of_scores(activate(logits, activation), COUNTS, ScoreWindows(**how))
    found = over_windows(activation, ScoreWindows(**how))(torch.from_numpy(logits), COUNTS)
    assert activate(found.numpy(), activation) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(("activation", "how"), WAYS)
def test_a_gradient_comes_through_where_a_score_is_as_good_as_0_or_1(
    activation: Activation, how: dict[str, Any]
) -> None:
    logits = torch.tensor([[80.0, -90.0], [95.0, -200.0], [70.0, -85.0]], requires_grad=True)
    over_windows(activation, ScoreWindows(**how))(logits, [1, 2]).sum().backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_ways_by_which_nothing_could_be_learned_are_refused() -> None:
    with pytest.raises(SpecError, match="would not add up to 1"):
        over_windows("softmax", ScoreWindows(aggregation="clinicalbert"))
    with pytest.raises(SpecError, match="is for probabilities"):
        over_windows("none", ScoreWindows(aggregation="clinicalbert"))
