import pytest

from schemas.errors import SpecError
from workers.evaluation.points import operating_points
from workers.evaluation.settings import Outcome
from workers.statistics.ranks import rank

RANKS = rank([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0, 0, 1, 0, 1, 1])


def chosen(**rule: object) -> float:
    outcome = Outcome.model_validate({"score": "s", "truth": "t", "thresholds": {"point": rule}})
    return operating_points("sick", outcome, lambda: RANKS)["point"]


def test_a_given_threshold_is_kept() -> None:
    outcome = Outcome.model_validate({"score": "s", "truth": "t", "thresholds": {"half": 0.5}})
    assert operating_points("sick", outcome, lambda: RANKS) == {"half": 0.5}


@pytest.mark.parametrize(
    ("rule", "threshold"),
    [
        ({"best": "youden"}, 0.3),
        ({"best": "accuracy"}, 0.3),
        ({"sensitivity": "100%"}, 0.3),
        ({"sensitivity": 0.5}, 0.5),
        ({"specificity": 1.0}, 0.5),
        ({"flagged": 0.5}, 0.4),
    ],
)
def test_every_rule_chooses_its_threshold(rule: dict[str, object], threshold: float) -> None:
    assert chosen(**rule) == pytest.approx(threshold)


def test_tuning_rows_without_a_class_are_named() -> None:
    outcome = Outcome.model_validate({"score": "s", "truth": "t", "thresholds": {"point": {"best": "f1"}}})
    with pytest.raises(SpecError, match=r"outcomes\.sick\.thresholds\.point: .*no negative rows"):
        operating_points("sick", outcome, lambda: rank([0.1], [1]))
