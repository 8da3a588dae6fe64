"""The number by which an epoch is chosen, against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, cohen_kappa_score, roc_auc_score

from schemas.errors import SpecError
from workers.training.metric import is_better, metric_of, value_of

CHANCE = np.random.default_rng(5)


def test_binary_outputs_have_the_mean_area_of_known_labels() -> None:
    logits = CHANCE.normal(size=(80, 2))
    targets = (CHANCE.random((80, 2)) < 0.4).astype(float)
    targets[::7, 0] = np.nan
    known = ~np.isnan(targets[:, 0])
    expected = (roc_auc_score(targets[known, 0], logits[known, 0]) + roc_auc_score(targets[:, 1], logits[:, 1])) / 2
    assert value_of("auroc", "binary", logits, targets) == pytest.approx(expected, abs=1e-12)
    assert value_of("accuracy", "binary", logits[:, 1:], targets[:, 1:]) == accuracy_score(
        targets[:, 1], logits[:, 1] > 0
    )


def test_classes_are_each_held_against_the_rest() -> None:
    logits, truth = CHANCE.normal(size=(90, 3)), CHANCE.integers(0, 3, 90)
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    targets = truth[:, None].astype(float)
    areas = [roc_auc_score(truth == number, logits[:, number]) for number in range(3)]
    assert value_of("auroc", "classes", logits, targets) == pytest.approx(np.mean(areas), abs=1e-12)
    assert value_of("accuracy", "classes", logits, targets) == accuracy_score(truth, shares.argmax(1))


def test_an_order_has_kappa_with_the_square_of_the_distance() -> None:
    logits, truth = CHANCE.normal(size=(90, 3)), CHANCE.integers(0, 4, 90)
    expected = cohen_kappa_score(truth, (logits > 0).sum(1), weights="quadratic", labels=range(4))
    assert value_of("kappa", "ordinal", logits, truth[:, None].astype(float)) == pytest.approx(expected, abs=1e-12)


def test_one_class_alone_has_no_area() -> None:
    assert np.isnan(value_of("auroc", "binary", np.zeros((4, 1)), np.ones((4, 1))))


def test_what_is_better_depends_on_the_metric() -> None:
    assert is_better("loss", 0.5, 0.6)
    assert not is_better("loss", 0.5, 0.5)
    assert is_better("auroc", 0.7, 0.6)
    assert not is_better("auroc", 0.605, 0.6, least=0.01)
    assert is_better("auroc", 0.1, float("nan"))
    assert not is_better("auroc", float("nan"), 0.1)


def test_a_metric_of_another_task_is_refused() -> None:
    assert metric_of("ordinal", "auto") == "kappa"
    with pytest.raises(SpecError, match="metric: kappa is not for binary; choose one of auroc, loss, accuracy"):
        metric_of("binary", "kappa")
