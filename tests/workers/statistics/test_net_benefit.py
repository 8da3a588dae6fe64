import numpy as np
import pytest

from tests.workers.statistics.support import rows
from workers.statistics.confusion import Confusion
from workers.statistics.net_benefit import decision_curve, net_benefit
from workers.statistics.ranks import rank


def test_net_benefit_of_a_table():
    # Vickers, Van Calster and Steyerberg, BMJ 2016;352:i6: 1,000 men, biopsy at 10 %.
    assert net_benefit(Confusion(200, 150, 50, 600), 0.1) == pytest.approx(0.2 - 0.15 / 9)


def test_the_curve_is_the_definition_at_every_threshold():
    scores, labels = rows()
    asked = np.arange(0.01, 0.99, 0.01)
    curve = decision_curve(rank(scores, labels), asked)
    for probability, model, everybody in zip(asked, curve.model, curve.everybody, strict=True):
        said, odds = scores >= probability, probability / (1 - probability)
        assert model == pytest.approx(np.mean(said & (labels == 1)) - np.mean(said & (labels == 0)) * odds)
        assert everybody == pytest.approx(labels.mean() - (1 - labels.mean()) * odds)


def test_a_threshold_of_0_treats_everybody():
    curve = decision_curve(rank(*rows()), [0.0])
    assert curve.model == pytest.approx(curve.everybody)
