"""Calibration of several classes against an independent fit by scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax, softmax

from workers.calibration.class_maps import Classes, fit_classes


def sharp(number: int = 3000, seed: int = 0, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are too sharp and lean to the first class, and classes that come true with others."""
    chance = np.random.default_rng(seed)
    logits = chance.normal(size=(number, classes))
    truth = np.array([chance.choice(classes, p=softmax(row)) for row in logits])
    return softmax(2.5 * logits + np.eye(classes)[0], axis=1), truth


def loss(logits: np.ndarray, truth: np.ndarray) -> float:
    return float(-log_softmax(logits, axis=1)[np.arange(len(truth)), truth].mean())


def test_a_temperature_is_that_of_scipy() -> None:
    scores, truth = sharp()
    best = minimize_scalar(
        lambda beta: loss(beta * np.log(scores), truth), bounds=(0.01, 10), method="bounded", options={"xatol": 1e-10}
    )
    found = fit_classes("temperature", scores, truth)
    assert found.slopes == pytest.approx([best.x] * 4, abs=1e-6)
    assert found.intercepts == (0, 0, 0, 0)
    assert (found.apply(scores).argmax(1) == scores.argmax(1)).all()


def test_a_vector_scaling_is_that_of_scipy() -> None:
    scores, truth = sharp()
    logs = np.log(scores)
    start = np.concatenate([np.ones(4), np.zeros(4)])
    best = minimize(lambda at: loss(at[:4] * logs + at[4:], truth), start, method="BFGS", options={"gtol": 1e-9})
    found = fit_classes("vector", scores, truth)
    expected = softmax(best.x[:4] * logs + best.x[4:], axis=1)
    assert found.apply(scores) == pytest.approx(expected, abs=1e-5)
    assert sum(found.intercepts) == pytest.approx(0, abs=1e-12)
    assert found.apply(scores).mean(axis=0) == pytest.approx(np.bincount(truth) / len(truth), abs=1e-6)


def test_probabilities_add_up_to_1_at_0_and_1_too_and_nan_stays_nan() -> None:
    found = Classes(method="temperature", slopes=(0.5, 0.5, 0.5), intercepts=(0, 0, 0))
    given = np.array([[1, 0, 0], [0.5, 0.5, 0], [np.nan, 0.5, 0.5]], np.float32)
    calibrated = found.apply(given)
    assert calibrated[:2].sum(axis=1) == pytest.approx(1)
    assert (calibrated[:2] > 0).all()
    assert np.isnan(calibrated[2]).all()


@pytest.mark.parametrize(
    ("scores", "truth", "says"),
    [
        ([[0.9, 0.1], [0.2, 0.8]], [0, 0], "a class has no row"),
        ([[3.0, 0.1], [0.2, 0.8]], [0, 1], "no probabilities"),
        ([[0.9, 0.1], [0.2, 0.8]] * 5, [0, 1] * 5, "separate the classes"),
        ([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.6, 0.4]], [1, 0, 1, 0], "names them rightly"),
    ],
)
def test_what_cannot_be_fitted_is_said(scores: list[list[float]], truth: list[int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        fit_classes("temperature", np.array(scores), np.array(truth))
