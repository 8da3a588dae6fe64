"""Evaluations as a person runs them, every object of them verified."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn import metrics

from schemas.errors import RefusedError, SpecError
from tests.support.made_run import make_run
from tests.support.runs import run
from tests.workers.evaluation.support import evaluated, figures, screened, spec


def test_figures_of_all_rows_are_those_of_scikit_learn(tmp_path: Path) -> None:
    rows = screened()
    outcome = {"score": "score", "truth": "sick", "thresholds": {"half": 0.5}}
    found = figures(evaluated(tmp_path, rows, outcomes={"sick": outcome}))
    truth, scores = rows["sick"].to_numpy(), rows["score"].to_numpy()
    said = scores >= 0.5
    expected = {
        ("auroc", ""): metrics.roc_auc_score(truth, scores),
        ("average_precision", ""): metrics.average_precision_score(truth, scores),
        ("brier", ""): metrics.brier_score_loss(truth, scores.astype(float)),
        ("sensitivity", "half"): metrics.recall_score(truth, said),
        ("ppv", "half"): metrics.precision_score(truth, said),
        ("mcc", "half"): metrics.matthews_corrcoef(truth, said),
        ("rows", ""): 600,
    }
    for key, value in expected.items():
        assert found[key]["value"] == pytest.approx(value, abs=1e-9)


def test_a_group_is_evaluated_by_itself_and_groups_add_up(tmp_path: Path) -> None:
    rows = screened()
    found = evaluated(tmp_path, rows, groups={"sex": {}, "years": {"column": "age", "bands": [40, 65]}})
    women = rows.filter(pl.col("sex") == "F")
    area = metrics.roc_auc_score(women["sick"], women["score"])
    assert figures(found, group="sex", value="F")["auroc", ""]["value"] == pytest.approx(area, abs=1e-9)
    assert list(found["outcomes"]["sick"]["groups"]["years"]) == ["below 40", "40 to 65", "65 and above"]
    for group in ("sex", "years"):
        values = found["outcomes"]["sick"]["groups"][group]
        assert sum(figures(found, group=group, value=value)["rows", ""]["value"] for value in values) == 600
    old = figures(found, group="years", value="65 and above")["rows", ""]["value"]
    assert old == rows.filter(pl.col("age") >= 65).height


def test_a_threshold_is_chosen_on_tuning_rows_and_applied_to_the_others(tmp_path: Path) -> None:
    rows = screened()
    outcome = {"score": "score", "truth": "sick", "thresholds": {"screen": {"sensitivity": "90%"}}}
    found = evaluated(tmp_path, rows, outcomes={"sick": outcome}, tuning={"split": "tuning"})
    tuning, test = rows.filter(pl.col("split") == "tuning"), rows.filter(pl.col("split") == "test")
    positives = tuning.filter(pl.col("sick") == 1)["score"].sort(descending=True)
    threshold = positives[int(np.ceil(0.9 * len(positives))) - 1]
    assert found["outcomes"]["sick"]["thresholds"]["screen"] == {
        "value": pytest.approx(threshold),
        "rule": {"sensitivity": 0.9},
        "chosen_on": "tuning",
    }
    at = figures(found)
    assert at["rows", ""]["value"] == test.height
    expected = metrics.recall_score(test["sick"], test["score"] >= threshold)
    assert at["sensitivity", "screen"]["value"] == pytest.approx(expected)


def test_labels_come_from_a_table_and_what_has_none_is_counted(tmp_path: Path) -> None:
    rows = screened()
    labels = rows.select("record_id", pl.col("sick").replace_strict({1: "yes", 0: "no"}).alias("outcome")).head(500)
    labels = labels.with_columns(
        pl.when(pl.col("record_id") == "r00003").then(None).otherwise("outcome").alias("outcome")
    )
    labels.write_csv(tmp_path / "labels.csv")
    found = evaluated(
        tmp_path,
        rows.drop("sick"),
        labels={"uri": str(tmp_path / "labels.csv")},
        outcomes={"sick": {"score": "score", "truth": "outcome", "positive": "yes"}},
    )
    states = {cell["state"]: cell["rows"] for cell in found["flow"]}
    assert states == {"evaluated": 499, "no label": 100, "no truth": 1}
    assert found["labels"] == {"rows": 500, "of_no_row": 0}
    known = rows.head(500).filter(pl.col("record_id") != "r00003")
    assert figures(found)["auroc", ""]["value"] == pytest.approx(metrics.roc_auc_score(known["sick"], known["score"]))


def test_rows_without_a_score_are_counted_and_bound_what_could_have_been(tmp_path: Path) -> None:
    rows = screened().with_columns(
        pl.when(pl.int_range(600) < 60).then(pl.lit("unreadable")).otherwise(pl.lit("ok")).alias("status")
    )
    outcome = {"score": "score", "truth": "sick", "thresholds": {"half": 0.5}}
    found = evaluated(tmp_path, rows, outcomes={"sick": outcome})
    assert {cell["state"]: cell["rows"] for cell in found["flow"]} == {"evaluated": 540, "not scored": 60}
    missing = int(rows.head(60)["sick"].sum())
    scored = rows.tail(540).filter(pl.col("sick") == 1)
    right = scored.filter(pl.col("score") >= 0.5).height
    bounds = figures(found)["sensitivity_bounds", "half"]
    assert bounds["low"] == pytest.approx(right / (scored.height + missing))
    assert bounds["high"] == pytest.approx((right + missing) / (scored.height + missing))


@pytest.mark.parametrize("task", ["binary", "number"])
def test_an_infinite_score_is_counted_and_not_evaluated(tmp_path: Path, task: str) -> None:
    rows = screened(200).with_columns(score=pl.when(pl.int_range(200) < 3).then(np.inf).otherwise("score"))
    rows = rows.with_columns(pl.col("score").cast(pl.Float32))
    found = evaluated(tmp_path, rows, outcomes={"sick": {"task": task, "score": "score", "truth": "sick"}})
    assert {cell["state"]: cell["rows"] for cell in found["flow"]} == {"evaluated": 197, "infinite score": 3}
    assert figures(found)["rows", ""]["value"] == 197


def test_a_nan_score_is_counted_and_not_evaluated(tmp_path: Path) -> None:
    rows = screened().with_columns(
        pl.when(pl.int_range(600) == 7).then(float("nan")).otherwise("score").cast(pl.Float32).alias("score")
    )
    found = evaluated(tmp_path, rows)
    assert {cell["state"]: cell["rows"] for cell in found["flow"]} == {"evaluated": 599, "NaN score": 1}


def test_persons_with_several_rows_widen_the_intervals(tmp_path: Path) -> None:
    once = screened(150)
    parts = [once.with_columns(pl.col("record_id") + f"-{eye}") for eye in range(4)]
    rows = pl.concat(parts).with_columns(pl.col("record_id").str.slice(0, 6).alias("person"))
    alone = evaluated(tmp_path / "alone", rows)
    together = evaluated(tmp_path / "together", rows.rename({"person": "subject_id"}))
    widths = [figures(one)["auroc", ""]["high"] - figures(one)["auroc", ""]["low"] for one in (alone, together)]
    assert widths[1] > 1.6 * widths[0]


def test_many_rows_are_evaluated_from_bins_within_the_error_that_is_told(tmp_path: Path) -> None:
    rows = screened()
    exact, binned = evaluated(tmp_path / "exact", rows), evaluated(tmp_path / "binned", rows, exact_rows=150)
    one, other = figures(exact)["auroc", ""], figures(binned)["auroc", ""]
    assert "binned" in (other["note"] or "")
    assert other["value"] == pytest.approx(one["value"], abs=1e-4)


def test_a_number_is_evaluated_as_a_number(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    rows = screened().with_columns((pl.col("age") + pl.Series(generator.normal(1, 5, 600))).alias("score"))
    found = figures(
        evaluated(tmp_path, rows, outcomes={"age": {"task": "number", "score": "score", "truth": "age"}}), "age"
    )
    assert found["mean_absolute_error", ""]["value"] == pytest.approx(
        metrics.mean_absolute_error(rows["age"], rows["score"])
    )
    assert found["r_squared", ""]["value"] == pytest.approx(metrics.r2_score(rows["age"], rows["score"]))


def test_small_groups_and_what_gives_them_away_are_not_shown(tmp_path: Path) -> None:
    rows = screened().with_columns(
        pl.when(pl.int_range(600) < 4)
        .then(pl.lit("X"))
        .when(pl.int_range(600) < 100)
        .then(pl.lit("Y"))
        .otherwise(pl.lit("Z"))
        .alias("site")
    )
    found = evaluated(tmp_path, rows, groups={"site": {}}, suppress_below=10)
    shown = {value: figures(found, group="site", value=value) for value in ("X", "Y", "Z")}
    assert set(shown["X"]) == set(shown["Y"]) == {("rows", "")}
    assert shown["X"]["rows", ""]["value"] is None
    assert shown["Z"]["auroc", ""]["value"] is not None
    long = pl.read_parquet(tmp_path / "out" / "metrics.parquet").filter(pl.col("group_value") == "X")
    assert long["value"].to_list() == [None]


def test_one_class_only_is_told_in_words(tmp_path: Path) -> None:
    rows = screened().with_columns(pl.lit(0).cast(pl.Int64).alias("sick"))
    found = figures(evaluated(tmp_path, rows))
    assert found["auroc", ""] == {
        "figure": "auroc",
        "point": "",
        "value": None,
        "low": None,
        "high": None,
        "note": "no positive rows",
    }


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"outcomes": {"sick": {"score": "scor", "truth": "sick"}}}, r"outcomes.sick.score: no column 'scor'.*'score'"),
        ({"outcomes": {"sick": {"score": "score", "truth": "sik"}}}, r"outcomes.sick.truth: no column 'sik'"),
        ({"groups": {"site": {}}}, r"groups.site: no column 'site'"),
        ({"tuning": {"spilt": "a"}}, r"tuning.spilt: no column 'spilt'.*'split'"),
        ({"outcomes": {"s": {"score": "score", "truth": "sick", "thresholds": {"t": {"best": "youden"}}}}}, "tuning"),
        ({"labels": {"uri": "nowhere.csv"}}, "nowhere.csv is not there"),
        ({"outcomes": {"a": {"task": "number", "score": "score", "truth": "sex"}}}, "are no numbers"),
        ({"groups": {"sex": {"bands": [3]}}}, "are no numbers"),
    ],
)
def test_what_does_not_fit_is_said_with_its_key(tmp_path: Path, settings: dict[str, object], says: str) -> None:
    uri = make_run(tmp_path / "run", screened(50), ("score",))
    with pytest.raises(SpecError, match=says):
        run(spec(uri, tmp_path / "out", **settings))


@pytest.mark.parametrize(
    ("ids", "says"),
    [(["a", "a"], "have an id that another row has too"), (["a", None], "has no id")],
)
def test_an_id_needs_one_label(tmp_path: Path, ids: list[str | None], says: str) -> None:
    uri = make_run(tmp_path / "run", screened(50), ("score",))
    pl.DataFrame({"record_id": ids, "sick": [1, 0]}).write_csv(tmp_path / "labels.csv")
    with pytest.raises(SpecError, match=says):
        run(spec(uri, tmp_path / "out", labels={"uri": str(tmp_path / "labels.csv")}))


def test_tuning_rows_of_one_class_choose_no_threshold(tmp_path: Path) -> None:
    rows = screened().with_columns(pl.when(pl.col("split") == "tuning").then(0).otherwise("sick").alias("sick"))
    uri = make_run(tmp_path / "run", rows, ("score",))
    outcome = {"score": "score", "truth": "sick", "thresholds": {"t": {"best": "youden"}}}
    with pytest.raises(SpecError, match=r"no positive rows among the rows of input\.tuning"):
        run(spec(uri, tmp_path / "out", outcomes={"sick": outcome}, tuning={"split": "tuning"}))


def test_an_evaluation_of_no_row_is_refused_with_what_became_of_them(tmp_path: Path) -> None:
    rows = screened(50)
    uri = make_run(tmp_path / "run", rows, ("score",))
    rows.select(pl.col("record_id") + "x", "sick").write_csv(tmp_path / "labels.csv")
    labels = {"uri": str(tmp_path / "labels.csv")}
    with pytest.raises(SpecError, match=r"not one row to evaluate \(no label 50\): correct labels\.key"):
        run(spec(uri, tmp_path / "out", labels=labels))
    with pytest.raises(SpecError, match=r"not one row to evaluate \(left out rows 50\)"):
        run(spec(uri, tmp_path / "other", test={"split": "neither"}))


def test_a_run_of_other_records_is_not_compared(tmp_path: Path) -> None:
    rows = screened(50)
    uri = make_run(tmp_path / "run", rows, ("score",))
    other = make_run(tmp_path / "theirs", rows.with_columns(pl.col("record_id") + "x"), ("score",))
    with pytest.raises(SpecError, match="has scored none of the rows of outcome 'sick'"):
        run(spec(uri, tmp_path / "out", compare={"run": other}))


def test_labels_that_change_make_another_evaluation(tmp_path: Path) -> None:
    rows = screened(50)
    uri = make_run(tmp_path / "run", rows, ("score",))
    labels = tmp_path / "labels.csv"
    rows.select("record_id", "sick").write_csv(labels)
    text = spec(uri, tmp_path / "out", labels={"uri": str(labels)})
    run(text)
    rows.select("record_id", 1 - pl.col("sick")).write_csv(labels)
    with pytest.raises(RefusedError):
        run(text)


def test_the_same_evaluation_has_the_same_figures_to_the_byte(tmp_path: Path) -> None:
    uri = make_run(tmp_path / "run", screened(), ("score",))
    for name in ("first", "second"):
        run(spec(uri, tmp_path / name))
    first, second = (json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("first", "second"))
    assert first == second


def graded(number: int = 500) -> pl.DataFrame:
    """Rows of a model of three grades, scores in `none`, `mild`, `severe`."""
    generator = np.random.default_rng(1)
    truth = generator.choice(3, number, p=[0.6, 0.3, 0.1])
    scores = generator.dirichlet(np.ones(3), number)
    scores[np.arange(number), truth] += 0.4
    names = ("none", "mild", "severe")
    columns = {name: scores[:, place].astype(np.float32) for place, name in enumerate(names)}
    grade = [names[place] for place in truth]
    return pl.DataFrame({"record_id": [f"r{place:05d}" for place in range(number)], **columns, "grade": grade})


def test_classes_are_evaluated_together_and_each_against_the_rest(tmp_path: Path) -> None:
    rows, names = graded(), ["none", "mild", "severe"]
    outcome = {"task": "classes", "scores": {name: name for name in names}, "truth": "grade", "ordered": True}
    found = figures(evaluated(tmp_path, rows, scores=tuple(names), outcomes={"grade": outcome}), "grade")
    truth = rows["grade"].replace_strict(dict(zip(names, range(3), strict=True))).to_numpy()
    scores = rows.select(names).to_numpy()
    said = scores.argmax(axis=1)
    expected = {
        ("accuracy", ""): metrics.accuracy_score(truth, said),
        ("macro_f1", ""): metrics.f1_score(truth, said, average="macro"),
        ("macro_auroc", ""): np.mean([metrics.roc_auc_score(truth == k, scores[:, k]) for k in range(3)]),
        ("kappa", ""): metrics.cohen_kappa_score(truth, said),
        ("quadratic_kappa", ""): metrics.cohen_kappa_score(truth, said, weights="quadratic"),
        ("sensitivity", "mild"): metrics.recall_score(truth == 1, said == 1),
        ("ppv", "severe"): metrics.precision_score(truth == 2, said == 2),
        ("rows", "none"): (truth == 0).sum(),
    }
    assert {key: found[key]["value"] for key in expected} == pytest.approx(expected, abs=1e-9)


def test_a_truth_that_is_no_class_is_counted(tmp_path: Path) -> None:
    rows = graded().with_columns(pl.when(pl.int_range(500) < 5).then(pl.lit("odd")).otherwise("grade").alias("grade"))
    outcome = {"task": "classes", "scores": {"none": "none", "mild": "mild", "severe": "severe"}, "truth": "grade"}
    found = evaluated(tmp_path, rows, scores=("none", "mild", "severe"), outcomes={"grade": outcome})
    assert {cell["state"]: cell["rows"] for cell in found["flow"]} == {"evaluated": 495, "no truth": 5}


def test_two_runs_are_compared_on_the_records_that_both_scored(tmp_path: Path) -> None:
    rows = screened()
    generator = np.random.default_rng(3)
    noisy = rows.with_columns((pl.col("score") + pl.Series(generator.normal(0, 0.2, 600))).clip(0, 1).cast(pl.Float32))
    other = make_run(tmp_path / "other", noisy.tail(550).sample(fraction=1, shuffle=True, seed=1), ("score",), 70)
    outcome = {"score": "score", "truth": "sick", "thresholds": {"half": 0.5}}
    found = figures(evaluated(tmp_path, rows, outcomes={"sick": outcome}, compare={"run": other}))
    both, theirs = rows.tail(550), noisy.tail(550)
    expected = metrics.roc_auc_score(both["sick"], both["score"]) - metrics.roc_auc_score(both["sick"], theirs["score"])
    assert found["compared_rows", ""]["value"] == 550
    assert found["auroc_difference", ""]["value"] == pytest.approx(expected, abs=1e-9)
    assert found["auroc_difference_p_value", ""]["value"] < 0.05
    sick = both["sick"] == 1
    difference = ((both["score"] >= 0.5) & sick).sum() - ((theirs["score"] >= 0.5) & sick).sum()
    assert found["sensitivity_difference", "half"]["value"] == pytest.approx(difference / sick.sum())
    assert found["net_benefit_difference", "half"]["low"] is not None


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        ({"task": "classes", "scores": {"a": "score"}, "truth": "sick"}, "two at least"),
        ({"task": "number", "score": "score", "truth": "sick", "thresholds": {"t": 0.5}}, "is for binary outcomes"),
        ({"score": "score", "truth": "sick", "ordered": True}, "for classes"),
        ({"truth": "sick"}, "needs `score`"),
        ({"score": "score", "truth": "sick", "thresholds": {"t": {"best": "f1", "flagged": 0.1}}}, "exactly one of"),
    ],
)
def test_settings_of_another_task_are_refused(tmp_path: Path, outcome: dict[str, object], says: str) -> None:
    uri = make_run(tmp_path / "run", screened(50), ("score",))
    with pytest.raises(SpecError, match=says):
        run(spec(uri, tmp_path / "out", outcomes={"sick": outcome}))
