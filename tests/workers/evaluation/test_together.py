"""Outcomes that may be true at once, micro and macro."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn import metrics

from schemas.errors import SpecError
from tests.workers.evaluation.support import evaluated, screened

POINT = {"half": 0.5}


def _labelled() -> tuple[pl.DataFrame, dict[str, dict[str, object]]]:
    """Two findings, the second of which is not known of every fifth row."""
    generator = np.random.default_rng(3)
    rows = screened().with_columns(
        score_fluid=pl.Series(generator.random(600).astype(np.float32)),
        fluid=pl.when(pl.int_range(600) % 5 == 0).then(None).otherwise(pl.Series(generator.integers(0, 2, 600))),
    )
    outcomes: dict[str, dict[str, object]] = {
        "sick": {"score": "score", "truth": "sick", "thresholds": POINT},
        "fluid": {"score": "score_fluid", "truth": "fluid", "thresholds": POINT},
    }
    return rows, outcomes


def test_micro_and_macro_are_those_of_scikit_learn_with_missing_labels_left_out(tmp_path: Path) -> None:
    rows, outcomes = _labelled()
    metrics_file = evaluated(
        tmp_path, rows, scores=("score", "score_fluid"), outcomes=outcomes, together={"findings": ["sick", "fluid"]}
    )
    found = {(row["figure"], row["point"]): row["value"] for row in metrics_file["together"]["findings"]}
    known = rows.filter(pl.col("fluid").is_not_null())
    pairs = [(rows["sick"].to_numpy(), rows["score"].to_numpy())]
    pairs.append((known["fluid"].to_numpy(), known["score_fluid"].to_numpy()))
    truth, scores = (np.concatenate(part) for part in zip(*pairs, strict=True))
    expected = {
        ("pairs", ""): 600 + 480,
        ("micro_auroc", ""): metrics.roc_auc_score(truth, scores),
        ("macro_auroc", ""): np.mean([metrics.roc_auc_score(*pair) for pair in pairs]),
        ("micro_average_precision", ""): metrics.average_precision_score(truth, scores),
        ("micro_f1", "half"): metrics.f1_score(truth, scores >= 0.5),
        ("macro_f1", "half"): np.mean([metrics.f1_score(one, score >= 0.5) for one, score in pairs]),
        ("macro_ppv", "half"): np.mean([metrics.precision_score(one, score >= 0.5) for one, score in pairs]),
    }
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, abs=1e-9), key


@pytest.mark.parametrize("members", [["sick"], ["sick", "other"], ["sick", "sick"]])
def test_a_set_of_what_are_no_two_binary_outcomes_is_refused(tmp_path: Path, members: list[str]) -> None:
    with pytest.raises(SpecError, match=r"together\.findings"):
        evaluated(tmp_path, screened(50), together={"findings": members})
