"""Intervals of 95 % hold the true figure in 95 +- 2 % of 1,000 draws."""

from collections.abc import Callable

import numpy as np
import pytest

from workers.statistics import calibration
from workers.statistics.classes import confusion_table, kappa
from workers.statistics.discrimination import auroc
from workers.statistics.estimate import Estimate
from workers.statistics.proportions import proportion
from workers.statistics.ranks import Ranks, rank
from workers.statistics.regression import bias, moments, pearson

GENERATOR = np.random.Generator


def _calibrated(generator: GENERATOR) -> Ranks:
    risk = generator.beta(2, 3, 400)
    return rank(risk, (generator.random(400) < risk).astype(np.int64))


def _area(generator: GENERATOR) -> Estimate:
    truth = np.arange(200) % 2
    return auroc(rank(generator.normal(size=200) + truth, truth))


def _brier(generator: GENERATOR) -> Estimate:
    return calibration.brier(_calibrated(generator))


def _ratio(generator: GENERATOR) -> Estimate:
    return calibration.observed_by_expected(_calibrated(generator))


def _slope(generator: GENERATOR) -> Estimate:
    return calibration.slope(_calibrated(generator))


def _intercept(generator: GENERATOR) -> Estimate:
    return calibration.intercept(_calibrated(generator))


def _share(generator: GENERATOR) -> Estimate:
    return proportion(float(generator.binomial(200, 0.8)), 200)


def _pair(generator: GENERATOR) -> tuple[np.ndarray, np.ndarray]:
    truth = generator.normal(size=100)
    return truth, 0.6 * truth + 0.8 * generator.normal(size=100) + 0.5


def _pearson(generator: GENERATOR) -> Estimate:
    return pearson(moments(*_pair(generator)))


def _bias(generator: GENERATOR) -> Estimate:
    return bias(moments(*_pair(generator)))


def _kappa(generator: GENERATOR) -> Estimate:
    truth = generator.integers(0, 3, 300)
    said = np.where(generator.random(300) < 0.7, truth, generator.integers(0, 3, 300))
    return kappa(confusion_table(truth, said, 3))


@pytest.mark.parametrize(
    ("draw", "true"),
    [
        (_area, 0.7602499389),  # Phi(1 / sqrt(2))
        (_brier, 0.2),  # E[p (1 - p)] of Beta(2, 3): 2 x 3 / (5 x 6)
        (_ratio, 1.0),
        (_slope, 1.0),
        (_intercept, 0.0),
        (_share, 0.8),
        (_pearson, 0.6),
        (_bias, 0.5),
        (_kappa, 0.7),
    ],
)
def test_an_interval_covers_what_it_says(draw: Callable[[GENERATOR], Estimate], true: float) -> None:
    generator = np.random.default_rng(2)
    found = [draw(generator) for _ in range(1000)]
    covered = [one.low is not None and one.high is not None and one.low <= true <= one.high for one in found]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.02)
