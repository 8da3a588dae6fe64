"""Decision curves: what acting on the scores is worth, in true positives a row (Vickers and Elkin 2006)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workers.statistics.confusion import Confusion, confusion_at
from workers.statistics.ranks import Floats, Ranks


def net_benefit(counts: Confusion, probability: float) -> float:
    """What treating the flagged rows is worth, in true positives a row: a false positive costs the odds of the
    threshold `probability`, which is below 1."""
    return (counts.true_positives - counts.false_positives * probability / (1 - probability)) / counts.rows


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit by threshold probability: of the model, and of treating everybody; that of nobody is 0."""

    probabilities: Floats
    model: Floats
    everybody: Floats


def decision_curve(ranks: Ranks, probabilities: Sequence[float] | Floats) -> DecisionCurve:
    """The scores are probabilities. Each threshold is below 1."""
    asked = np.asarray(probabilities, np.float64)
    odds = asked / (1 - asked)
    model = np.array([net_benefit(confusion_at(ranks, threshold), threshold) for threshold in asked])
    everybody = (ranks.total_positives - ranks.total_negatives * odds) / ranks.rows
    return DecisionCurve(asked, model, everybody)
