"""Operating points: given, or chosen on tuning rows and then applied as they are."""

from collections.abc import Callable, Mapping

from schemas.errors import SpecError
from workers.evaluation.settings import Outcome, Rule
from workers.statistics import thresholds
from workers.statistics.ranks import Ranks

_BEST: Mapping[str, Callable[[Ranks], float]] = {
    "youden": thresholds.youden,
    "accuracy": thresholds.accuracy,
    "balanced": thresholds.balanced,
    "f1": thresholds.f1,
}


def operating_points(name: str, outcome: Outcome, tuning: Callable[[], Ranks]) -> dict[str, float]:
    """The threshold of each point of an outcome. Raises SpecError where tuning rows lack a class."""
    found = {}
    for point, threshold in outcome.thresholds.items():
        try:
            found[point] = _chosen(threshold, tuning()) if isinstance(threshold, Rule) else threshold
        except ValueError as error:
            raise SpecError(
                f"input.outcomes.{name}.thresholds.{point}: {error} among the rows of input.tuning: "
                "correct input.tuning or the labels"
            ) from None
    return found


def _chosen(rule: Rule, ranks: Ranks) -> float:
    if rule.best is not None:
        return _BEST[rule.best](ranks)
    if rule.sensitivity is not None:
        return thresholds.at_sensitivity(ranks, rule.sensitivity)
    if rule.specificity is not None:
        return thresholds.at_specificity(ranks, rule.specificity)
    assert rule.flagged is not None
    return thresholds.at_flagged(ranks, rule.flagged)
