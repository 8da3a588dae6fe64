"""Figures held against the libraries that have them too: statsmodels, dcurves, fairlearn and torchmetrics."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.support.aces_cases import ORACLES
from tests.workers.statistics.support import rows
from workers.evaluation.fairness import Fairness
from workers.evaluation.settings import EvaluateInput
from workers.evaluation.tally import Tally
from workers.statistics import calibration, classes, confusion, discrimination, regression, thresholds
from workers.statistics.comparison import mcnemar, paired_delong
from workers.statistics.confusion import confusion_at
from workers.statistics.estimate import Estimate
from workers.statistics.gaps import proportion_gap
from workers.statistics.net_benefit import decision_curve
from workers.statistics.proportions import clopper_pearson, wilson
from workers.statistics.ranks import rank

SUPPORT = Path(__file__).parents[2] / "support"
PACKAGES = ORACLES.parent / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
needs_oracles = pytest.mark.skipif(
    not all((PACKAGES / name).exists() for name in ("statsmodels", "dcurves", "fairlearn", "torchmetrics")),
    reason="the packages of tests/oracles.txt are not there: make oracles",
)


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    """600 rows of two models, two gradings and a number that is predicted."""
    scores, labels = rows(600, 3)
    chance = np.random.default_rng(5)
    grade = chance.integers(0, 4, 600)
    number = chance.normal(50, 10, 600)
    return pl.DataFrame(
        {
            "score": scores,
            "label": labels,
            "other": np.clip(scores + chance.normal(0.08, 0.15, 600), 0, 1),
            "group": chance.choice(["F", "M"], 600),
            "grade": grade,
            "said": np.clip(grade + chance.integers(-1, 2, 600), 0, 3),
            "number": number,
            "predicted": number + chance.normal(2, 6, 600),
        }
    )


def _said(*command: str | Path) -> dict[str, Any]:
    found = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    answer: dict[str, Any] = json.loads(found.stdout)
    return answer


@pytest.fixture(scope="module")
def theirs(table: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """By name: what statsmodels, dcurves and fairlearn find."""
    path = tmp_path_factory.mktemp("oracle") / "rows.parquet"
    table.write_parquet(path)
    return _said(ORACLES / "python", SUPPORT / "metric_oracle.py", path)


@pytest.fixture(scope="module")
def torchs(table: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """By name: what torchmetrics finds."""
    path = tmp_path_factory.mktemp("oracle") / "rows.parquet"
    table.write_parquet(path)
    return _said(sys.executable, SUPPORT / "torchmetrics_oracle.py", PACKAGES, path)


def _numbers(found: Estimate) -> list[float | None]:
    return [found.value, found.low, found.high]


@needs_oracles
def test_statsmodels_has_the_same_intervals_of_proportions(table: pl.DataFrame, theirs: dict[str, Any]) -> None:
    said, label = table["score"] >= 0.5, table["label"] == 1
    right, positives = int((said & label).sum()), int(label.sum())
    assert wilson(right, positives) == pytest.approx(theirs["wilson"], abs=1e-9)
    assert clopper_pearson(right, positives) == pytest.approx(theirs["clopper_pearson"], abs=1e-9)
    women = table["group"] == "F"
    gap = proportion_gap(
        (int((said & women).sum()), int(women.sum())), (int((said & ~women).sum()), int((~women).sum()))
    )
    assert [gap.low, gap.high] == pytest.approx(theirs["newcombe"], abs=1e-9)


@needs_oracles
@pytest.mark.parametrize("name", ["slope", "intercept"])
def test_statsmodels_has_the_same_calibration_and_interval(
    table: pl.DataFrame, theirs: dict[str, Any], name: str
) -> None:
    found = getattr(calibration, name)(rank(table["score"].to_numpy(), table["label"].to_numpy()))
    assert _numbers(found) == pytest.approx(theirs[name], abs=1e-9)


@needs_oracles
@pytest.mark.parametrize("power", [0, 1, 2])
def test_statsmodels_has_the_same_kappa_and_interval(table: pl.DataFrame, theirs: dict[str, Any], power: int) -> None:
    counted = classes.confusion_table(table["grade"].to_numpy(), table["said"].to_numpy(), 4)
    assert _numbers(classes.kappa(counted, power)) == pytest.approx(theirs[f"kappa {power}"], abs=1e-9)


@needs_oracles
def test_statsmodels_has_the_same_exact_mcnemar(table: pl.DataFrame, theirs: dict[str, Any]) -> None:
    label = table["label"].to_numpy() == 1
    right = [((table[name].to_numpy() >= 0.5) == label)[label] for name in ("score", "other")]
    assert mcnemar(*right).p_value == pytest.approx(theirs["mcnemar"], abs=1e-9)


@needs_oracles
def test_dcurves_has_the_same_net_benefit_at_every_threshold(table: pl.DataFrame, theirs: dict[str, Any]) -> None:
    curve = decision_curve(rank(table["score"].to_numpy(), table["label"].to_numpy()), np.arange(1, 100) / 100)
    assert curve.model == pytest.approx(theirs["net_benefit score"], abs=1e-9)
    assert curve.everybody == pytest.approx(theirs["net_benefit all"], abs=1e-9)


@needs_oracles
def test_fairlearn_has_the_same_differences_between_groups(table: pl.DataFrame, theirs: dict[str, Any]) -> None:
    source = EvaluateInput.model_validate(
        {"run": "/run", "outcomes": {"sick": {"score": "score", "truth": "label"}}, "draws": 100}
    )
    tallies = {}
    for name in ("F", "M"):
        tallies[name] = Tally(1000)
        here = table.filter(pl.col("group") == name)
        truth, subject = pl.col("label").cast(pl.Float64).alias("truth"), pl.lit(None, pl.String).alias("subject")
        tallies[name].add(here.select("score", truth, subject))
    told = Fairness(tallies, source).figures({"half": 0.5})
    found = {figure.name: figure.estimate.value for group, figure in told if not group}
    for name in ("equal_opportunity_difference", "equalised_odds_difference", "demographic_parity_difference"):
        assert found[name] == pytest.approx(theirs[name], abs=1e-9)


@needs_oracles
def test_torchmetrics_has_the_same_figures_of_two_classes(table: pl.DataFrame, torchs: dict[str, float]) -> None:
    ranks = rank(table["score"].to_numpy(), table["label"].to_numpy())
    counts = confusion_at(ranks, 0.5)
    found = {
        "auroc": discrimination.auroc(ranks).value,
        "average_precision": discrimination.average_precision(ranks).value,
        "mcc": confusion.matthews(counts).value,
        "f1": confusion.f1(counts).value,
        "balanced_accuracy": confusion.balanced_accuracy(counts).value,
        "sensitivity at specificity 0.9": confusion.sensitivity(
            confusion_at(ranks, thresholds.at_specificity(ranks, 0.9))
        ).value,
        "specificity at sensitivity 0.9": confusion.specificity(
            confusion_at(ranks, thresholds.at_sensitivity(ranks, 0.9))
        ).value,
    }
    # It counts in float32.
    assert found == pytest.approx({name: torchs[name] for name in found}, abs=1e-6)


@needs_oracles
def test_torchmetrics_has_the_same_figures_of_grades_and_numbers(table: pl.DataFrame, torchs: dict[str, float]) -> None:
    counted = classes.confusion_table(table["grade"].to_numpy(), table["said"].to_numpy(), 4)
    for power in (0, 1, 2):
        assert classes.kappa(counted, power).value == pytest.approx(torchs[f"kappa {power}"], abs=1e-6)
    sums = regression.moments(table["number"].to_numpy(), table["predicted"].to_numpy())
    found = {
        "mean_absolute_error": regression.mean_absolute_error(sums).value,
        "root_mean_squared_error": regression.root_mean_squared_error(sums).value,
        "r_squared": regression.determination(sums).value,
        "pearson": regression.pearson(sums).value,
    }
    assert found == pytest.approx({name: torchs[name] for name in found}, abs=1e-6)
    # Lin's sums are of n rows, those of torchmetrics of n - 1.
    shift = (sums.rows - 1) * (sums.mean_truth - sums.mean_predicted) ** 2
    assert 2 * sums.product / (sums.truth + sums.predicted + shift) == pytest.approx(torchs["concordance"], abs=1e-6)


@needs_oracles
def test_statsmodels_has_the_same_mean_distance_of_the_smooth_curve(
    table: pl.DataFrame, theirs: dict[str, Any]
) -> None:
    # patsy writes natural cubic splines in another basis of the same space.
    found = calibration.integrated_calibration_index(rank(table["score"].to_numpy(), table["label"].to_numpy()))
    assert found.value == pytest.approx(theirs["integrated_calibration_index"], abs=1e-9)


ALBUMIN = """3.0 3.2 3.9 2.8 3.2 0.9 2.5 1.6 3.8 3.7 3.2 3.8 4.1 3.6 4.3 3.6 2.3 4.2 4.0 3.5 3.8 3.0 4.5 3.7 3.1 4.1 4.3
4.3 3.2 2.6 3.3 1.7 3.7 3.3 4.2 3.5 2.9 2.1 2.8 4.0 3.3 3.7 3.6"""
PROTEIN = """5.8 6.3 6.8 4.8 5.8 4.0 5.7 5.6 5.7 6.7 5.4 6.6 6.6 5.7 7.0 6.7 4.4 7.6 6.6 5.8 6.8 4.7 7.4 7.4 6.6 8.2 7.0
6.5 5.1 4.7 6.8 4.0 6.1 6.3 7.7 6.2 5.7 4.8 6.2 7.0 5.7 6.9 6.6"""
KG = "0 5 7 4 7 5 2 5 5 4 6 4 5 5 6 6 4 6 4 4 3 2 5 5 4 4 5 6 5 4 4 3 5 3 4 5 1 3 2 3 4 5 5"
BENEFIT = "0 1 1 0 1 0 0 1 1 1 1 1 1 1 1 0 1 0 0 1 1 0 1 1 1 1 1 1 1 1 0 0 1 1 1 1 0 1 0 1 1 1 1"


def _typed(text: str) -> np.ndarray:
    return np.array(text.split(), float)


@pytest.mark.parametrize(
    ("scores", "area", "error"), [(ALBUMIN, 0.7366, 0.0927), (KG, 0.7258, 0.1028), (PROTEIN, 0.6478, 0.1000)]
)
def test_areas_of_delongs_patients_have_the_published_errors(scores: str, area: float, error: float) -> None:
    # DeLong, DeLong and Clarke-Pearson, Biometrics 1988;44:837: 43 of 49 women with ovarian cancer, without those who
    # lack a test; figures as in the example "Comparing Receiver Operating Characteristic Curves" of SAS/STAT.
    ranks = rank(_typed(scores), _typed(BENEFIT).astype(int))
    assert discrimination.auroc(ranks).value == pytest.approx(area, abs=5e-5)
    assert np.sqrt(discrimination.delong_variance(ranks)) == pytest.approx(error, abs=5e-5)


@pytest.mark.parametrize(
    ("scores", "difference", "low", "high", "p_value"),
    [(ALBUMIN, 0.0108, -0.1761, 0.1976, 0.9102), (PROTEIN, -0.0780, -0.2830, 0.1271, 0.4561)],
)
def test_differences_from_the_third_test_of_delongs_patients_are_the_published_ones(
    scores: str, difference: float, low: float, high: float, p_value: float
) -> None:
    found = paired_delong(_typed(scores), _typed(KG), _typed(BENEFIT).astype(int))
    assert _numbers(found.estimate) == pytest.approx([difference, low, high], abs=5e-5)
    assert found.p_value == pytest.approx(p_value, abs=5e-5)
