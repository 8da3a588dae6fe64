"""Differences between groups as files of figures have them."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn import metrics

from tests.workers.evaluation.support import evaluated, figures, screened

OUTCOME = {"score": "score", "truth": "sick", "thresholds": {"half": 0.5}}


def _rates(rows: pl.DataFrame) -> tuple[float, float, float]:
    truth, said = rows["sick"].to_numpy() == 1, rows["score"].to_numpy() >= 0.5
    return said[truth].mean(), said[~truth].mean(), said.mean()


def test_gaps_and_parities_are_differences_of_the_groups_own_figures(tmp_path: Path) -> None:
    rows = screened().with_columns(
        pl.when(pl.int_range(600) < 350).then(pl.lit("M")).otherwise(pl.lit("F")).alias("sex")
    )
    found = evaluated(tmp_path, rows, outcomes={"sick": OUTCOME}, groups={"sex": {}})
    women, men = (rows.filter(pl.col("sex") == one) for one in "FM")
    of_women = figures(found, group="sex", value="F")
    assert ("auroc_gap", "") not in figures(found, group="sex", value="M")
    areas = [metrics.roc_auc_score(part["sick"], part["score"]) for part in (women, men)]
    assert of_women["auroc_gap", ""]["value"] == pytest.approx(areas[0] - areas[1], abs=1e-9)
    rates = [_rates(part) for part in (women, men)]
    gap = of_women["sensitivity_gap", "half"]
    assert gap["value"] == pytest.approx(rates[0][0] - rates[1][0], abs=1e-9)
    assert gap["low"] < gap["value"] < gap["high"]
    told = {row["figure"]: row for row in found["fairness"]["sick"]["sex"]}
    apart = np.abs(np.subtract(*rates))
    assert told["equal_opportunity_difference"]["value"] == pytest.approx(apart[0], abs=1e-9)
    assert told["equalised_odds_difference"]["value"] == pytest.approx(max(apart[:2]), abs=1e-9)
    assert told["demographic_parity_difference"]["value"] == pytest.approx(apart[2], abs=1e-9)
    assert told["demographic_parity_difference"]["high"] > apart[2]


def test_persons_with_several_rows_widen_a_gap(tmp_path: Path) -> None:
    rows = screened(300)
    four = pl.concat([rows.with_columns(record_id=pl.col("record_id") + f"-{copy}") for copy in range(4)])
    four = four.with_columns(subject_id=pl.col("record_id").str.head(6))
    settings = {"outcomes": {"sick": OUTCOME}, "groups": {"sex": {}}}
    gaps = []
    for name, part in (("alone", four.drop("subject_id")), ("persons", four)):
        values = evaluated(tmp_path / name, part, **settings)["outcomes"]["sick"]["groups"]["sex"].values()
        gaps += [row for found in values for row in found if row["figure"] == "accuracy_gap"]
    alone, persons = (gap["high"] - gap["low"] for gap in gaps)
    assert gaps[0]["value"] == pytest.approx(gaps[1]["value"])
    assert persons / alone == pytest.approx(2, abs=0.4)


def test_a_gap_of_too_many_rows_to_draw_persons_says_what_its_interval_is_of(tmp_path: Path) -> None:
    found = evaluated(tmp_path, screened(), outcomes={"sick": OUTCOME}, groups={"sex": {}}, exact_rows=100)
    gaps = [
        row
        for figures in found["outcomes"]["sick"]["groups"]["sex"].values()
        for row in figures
        if row["figure"].endswith("_gap") and row["value"] is not None
    ]
    assert gaps
    assert {row["note"] for row in gaps} == {"interval of rows that stand alone, too narrow where persons have several"}


def test_a_hidden_count_cannot_be_computed_from_what_is_shown(tmp_path: Path) -> None:
    """Also where rows of no group are the ones that totals would tell of."""
    site = pl.when(pl.int_range(600) < 8).then(pl.lit(None)).when(pl.int_range(600) < 250).then(pl.lit("a"))
    site = site.when(pl.int_range(600) < 480).then(pl.lit("b")).otherwise(pl.lit("c"))
    small = pl.when(pl.int_range(600) < 5).then(pl.lit("tiny")).otherwise(site.fill_null("a"))
    rows = screened().with_columns(site.alias("site"), small.alias("clinic"))
    found = evaluated(tmp_path, rows, outcomes={"sick": OUTCOME}, groups={"site": {}, "clinic": {}}, suppress_below=10)
    parquet = pl.read_parquet(tmp_path / "out" / "metrics.parquet")
    for group in ("site", "clinic"):
        groups = found["outcomes"]["sick"]["groups"][group]
        shown = [name for name in groups if figures(found, group=group, value=name).get(("auroc", ""))]
        hidden = sorted(set(groups) - set(shown))
        assert hidden
        for key in ("positives", "negatives"):
            left = figures(found)[key, ""]["value"]
            left -= sum(figures(found, group=group, value=name)[key, ""]["value"] for name in shown)
            assert left >= 10
        told = parquet.filter((pl.col("group") == group) & pl.col("group_value").is_in(hidden))
        assert told["value"].null_count() == told.height
        assert not any(row["figure"].endswith("_gap") for name in hidden for row in groups[name])
