"""Calibration fitted by evaluations as a person runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.special import softmax
from sklearn.metrics import brier_score_loss, log_loss

from cluster.storage import open_store
from jobs.report_file import write_report
from schemas.errors import SpecError
from tests.support.made_run import make_run
from tests.support.runs import run
from tests.workers.evaluation.support import evaluated, figures, spec
from workers.calibration.class_maps import fit_classes
from workers.calibration.document import Calibration
from workers.calibration.fit import fit_map
from workers.statistics.logistic import expit, logit
from workers.statistics.ranks import rank

TUNING = {"split": "tuning"}


def overconfident(number: int = 2500, seed: int = 0) -> pl.DataFrame:
    """Scores whose logit is twice what it should be, and too low at site B."""
    generator = np.random.default_rng(seed)
    true = generator.normal(-0.5, 1, number)
    site = generator.choice(["A", "B"], number)
    scores = expit(2 * true - np.where(site == "B", 2, 0)).astype(np.float32)
    return pl.DataFrame(
        {
            "record_id": [f"r{place:05d}" for place in range(number)],
            "score": scores,
            "sick": (generator.random(number) < expit(true)).astype(np.int64),
            "site": site,
            "split": generator.choice(["tuning", "test"], number),
        }
    )


def document(folder: Path) -> Calibration:
    return Calibration.model_validate_json((folder / "out" / "calibration.json").read_text())


def test_figures_before_and_after_are_told_and_the_slope_becomes_1(tmp_path: Path) -> None:
    rows = overconfident().with_columns(pl.lit("A").alias("site"))
    found = evaluated(tmp_path, rows, tuning=TUNING, calibration={"method": "platt"})
    all_rows = figures(found)
    before, after = all_rows["calibration_slope", ""], all_rows["calibration_slope", "calibrated"]
    assert before["high"] < 0.7
    assert after["low"] < 1 < after["high"]
    assert all_rows["brier", "calibrated"]["value"] < all_rows["brier", ""]["value"]
    told = found["outcomes"]["sick"]["calibration"]
    tuning = rows.filter(pl.col("split") == "tuning")
    assert told["fitted_on"] == {"part": "tuning", "rows": tuning.height, "positives": tuning["sick"].sum()}
    assert told["test_rows"] == {"pooled": rows.height - tuning.height}
    assert {"calibration_groups", "calibrated_groups", "calibrated_smooth"} <= set(found["outcomes"]["sick"]["curves"])


def test_it_is_fitted_on_tuning_rows_alone_and_applied_to_test_rows(tmp_path: Path) -> None:
    rows = overconfident(600)
    found = evaluated(tmp_path, rows, tuning=TUNING, calibration={"method": "beta"})
    tuning, test = rows.filter(pl.col("split") == "tuning"), rows.filter(pl.col("split") == "test")
    through = fit_map("beta", rank(tuning["score"].to_numpy(), tuning["sick"].to_numpy()))
    assert document(tmp_path).outputs["score"].map == through
    calibrated = through.apply(test["score"].to_numpy()).astype(np.float32)
    expected = brier_score_loss(test["sick"], calibrated.astype(float))
    assert figures(found)["brier", "calibrated"]["value"] == pytest.approx(expected, abs=1e-9)


def test_a_site_has_a_map_of_its_own_and_what_has_none_is_counted(tmp_path: Path) -> None:
    rows = overconfident()
    small = pl.int_range(2500) < 30
    rows = rows.with_columns(pl.when(small).then(pl.lit("C")).otherwise("site").alias("site"))
    rows = rows.with_columns(pl.when(pl.int_range(2500) == 2499).then(None).otherwise("site").alias("site"))
    rows = rows.with_columns(pl.when(pl.int_range(2500) == 2499).then(pl.lit("test")).otherwise("split").alias("split"))
    found = evaluated(tmp_path, rows, tuning=TUNING, calibration={"method": "platt", "by": "site"})
    told, how = found["outcomes"]["sick"]["calibration"], document(tmp_path).outputs["score"]
    assert (how.by, sorted(how.values)) == ("site", ["A", "B"])
    assert (told["maps"], told["values_without_map"]) == (3, 1)
    test = rows.filter(pl.col("split") == "test")
    pooled = test.filter(pl.col("site").is_null() | (pl.col("site") == "C")).height
    assert told["test_rows"] == {"own": test.height - pooled, "pooled": pooled, "none": 0}
    by_site = figures(found)["brier", "calibrated"]["value"]
    whole = figures(evaluated(tmp_path / "whole", rows, tuning=TUNING, calibration={"method": "platt"}))
    assert by_site < whole["brier", "calibrated"]["value"]


def test_a_group_too_small_to_be_shown_has_no_map_of_its_own(tmp_path: Path) -> None:
    rows = overconfident(800)
    of_a = rows.filter((pl.col("split") == "tuning") & (pl.col("site") == "A"))
    fewest = min(of_a["sick"].sum(), of_a.height - of_a["sick"].sum())
    settings = {"tuning": TUNING, "calibration": {"method": "platt", "by": "site"}}
    for least in (fewest, fewest + 1):
        evaluated(tmp_path / str(least), rows, suppress_below=int(least), **settings)
        assert ("A" in document(tmp_path / str(least)).outputs["score"].values) == (least == fewest)


def test_a_site_without_a_map_can_be_left_without_a_score(tmp_path: Path) -> None:
    rows = overconfident(800).with_columns(
        pl.when((pl.col("site") == "B") & (pl.col("split") == "tuning"))
        .then(pl.lit("A"))
        .otherwise("site")
        .alias("site")
    )
    settings = {"method": "isotonic", "by": "site", "unseen": "null"}
    told = evaluated(tmp_path, rows, tuning=TUNING, calibration=settings)["outcomes"]["sick"]["calibration"]
    test = rows.filter(pl.col("split") == "test")
    unseen = test.filter(pl.col("site") == "B").height
    assert told["test_rows"] == {"own": test.height - unseen, "pooled": 0, "none": unseen}


def test_scores_that_are_no_probabilities_become_some(tmp_path: Path) -> None:
    rows = overconfident().with_columns(pl.Series("score", logit(overconfident()["score"].to_numpy())))
    outcome = {"score": "score", "truth": "sick", "probability": False}
    found = evaluated(tmp_path, rows, outcomes={"sick": outcome}, tuning=TUNING, calibration={"method": "platt"})
    all_rows = figures(found)
    assert ("brier", "") not in all_rows
    assert all_rows["calibration_slope", "calibrated"]["value"] == pytest.approx(1, abs=0.15)
    assert document(tmp_path).outputs["score"].map.of == "score"


def test_many_rows_are_calibrated_from_bins(tmp_path: Path) -> None:
    rows = overconfident(2000)
    exact = figures(evaluated(tmp_path / "exact", rows, tuning=TUNING, calibration={"method": "isotonic"}))
    binned = evaluated(tmp_path / "binned", rows, tuning=TUNING, calibration={"method": "isotonic"}, exact_rows=100)
    key = ("brier", "calibrated")
    assert figures(binned)[key]["value"] == pytest.approx(exact[key]["value"], abs=1e-3)


def test_the_figures_stand_in_long_form_and_in_the_picture(tmp_path: Path) -> None:
    evaluated(tmp_path, overconfident(800), tuning=TUNING, calibration={"method": "temperature"})
    long = pl.read_parquet(tmp_path / "out" / "metrics.parquet")
    assert long.filter(pl.col("point") == "calibrated").height == 5
    write_report(open_store(str(tmp_path / "out")))
    report = (tmp_path / "out" / "report.html").read_text()
    assert "Calibration on test rows, temperature fitted on tuning rows" in report
    assert "calibration.json" in report


def graded(number: int = 900) -> pl.DataFrame:
    """Probabilities of three grades that are too sharp."""
    chance = np.random.default_rng(0)
    logits = chance.normal(size=(number, 3))
    grade = [int(chance.choice(3, p=softmax(row))) for row in logits]
    scores = softmax(2 * logits, axis=1).astype(np.float32)
    rows = {"record_id": [f"r{place}" for place in range(number)], **{f"g{one}": scores[:, one] for one in range(3)}}
    return pl.DataFrame({**rows, "grade": grade, "split": chance.choice(["tuning", "test"], number)})


GRADES = {"grade": {"task": "classes", "scores": {str(one): f"g{one}" for one in range(3)}, "truth": "grade"}}


@pytest.mark.parametrize("method", ["temperature", "vector"])
def test_classes_are_calibrated_together_and_their_log_loss_falls(tmp_path: Path, method: str) -> None:
    rows = graded()
    scores = ("g0", "g1", "g2")
    found = evaluated(tmp_path, rows, scores=scores, outcomes=GRADES, tuning=TUNING, calibration={"method": method})
    (together,) = document(tmp_path).classes
    tuning, test = rows.filter(pl.col("split") == "tuning"), rows.filter(pl.col("split") == "test")
    fitted = fit_classes(method, tuning.select(scores).to_numpy().astype(float), tuning["grade"].to_numpy())
    assert (together.outputs, together.map, together.rows) == (scores, fitted, tuning.height)
    told = figures(found, "grade")
    after = fitted.apply(test.select(scores).to_numpy()).astype(np.float32)
    for point, values in (("", test.select(scores).to_numpy()), ("calibrated", after)):
        plain = values.astype(float)
        expected = log_loss(test["grade"], plain / plain.sum(axis=1, keepdims=True))
        assert told["log_loss", point]["value"] == pytest.approx(expected, abs=1e-6)
        squares = ((values.astype(float) - np.eye(3)[test["grade"].to_numpy()]) ** 2).sum(axis=1).mean()
        assert told["classes_brier", point]["value"] == pytest.approx(squares, abs=1e-9)
    assert told["log_loss", "calibrated"]["value"] < told["log_loss", ""]["value"]
    assert found["outcomes"]["grade"]["calibration"]["test_rows"] == {"pooled": test.height}


def test_classes_of_too_many_rows_or_by_site_are_refused(tmp_path: Path) -> None:
    uri = make_run(tmp_path / "run", graded(300), ("g0", "g1", "g2"))
    for number, (settings, says) in enumerate(
        (
            ({"calibration": {"method": "vector"}, "exact_rows": 20}, "more than exact_rows"),
            ({"calibration": {"method": "vector", "by": "split"}}, "by is for binary outcomes"),
            ({"calibration": {"method": "platt"}}, "binary outcomes by method platt, and there is none"),
        )
    ):
        with pytest.raises(SpecError, match=says):
            run(spec(uri, tmp_path / f"out{number}", outcomes=GRADES, tuning=TUNING, **settings))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"calibration": {"method": "platt"}, "tuning": {}}, "`tuning` names none"),
        ({"calibration": {"method": "spline"}}, "calibration.method: must be"),
        ({"calibration": {"method": "platt", "outcomes": ["sik"]}}, "sik is no binary outcome"),
        ({"calibration": {"method": "platt", "by": "sit"}}, "did you mean 'site'"),
        ({"calibration": {"method": "platt"}, "outcomes": {"sick": {"score": "age", "truth": "sick"}}}, "is carried"),
        ({"calibration": {"method": "platt"}, "tuning": {"split": "nobody"}}, "tuning rows: no rows"),
        (
            {
                "calibration": {"method": "platt"},
                "outcomes": {"sick": {"score": "score", "truth": "sick", "positive": 0}},
            },
            "right way round",
        ),
        (
            {
                "calibration": {"method": "beta"},
                "outcomes": {"sick": {"score": "score", "truth": "sick", "probability": False}},
            },
            "beta needs probabilities",
        ),
        (
            {
                "calibration": {"method": "platt"},
                "outcomes": {name: {"score": "score", "truth": "sick"} for name in ("sick", "ill")},
            },
            "two outcomes share a score",
        ),
        (
            {
                "calibration": {"method": "platt"},
                "outcomes": {"sick": {"task": "number", "score": "score", "truth": "age"}},
            },
            "there is none",
        ),
    ],
)
def test_what_cannot_be_calibrated_is_said(tmp_path: Path, settings: dict[str, Any], says: str) -> None:
    rows = overconfident(300).with_columns(pl.lit(50.0).alias("age"))
    uri = make_run(tmp_path / "run", rows, ("score",))
    with pytest.raises(SpecError, match=says):
        run(spec(uri, tmp_path / "out", **{"tuning": TUNING, **settings}))


def test_a_spec_without_calibration_says_nothing_of_it(tmp_path: Path) -> None:
    found = evaluated(tmp_path, overconfident(300), tuning=TUNING)
    assert "calibration" not in found["outcomes"]["sick"]
    assert not (tmp_path / "out" / "calibration.json").exists()
    assert "calibration.json" not in json.dumps(json.loads((tmp_path / "out" / "manifest.json").read_text()))
