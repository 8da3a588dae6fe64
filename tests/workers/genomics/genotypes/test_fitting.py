from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from schemas.outputs import OutputField
from tests.support.genotype_stages import SAMPLES, ScoredRun
from workers.contract import ModelCard
from workers.genomics.genotypes.fitting import Fit, FitStage, plan
from workers.genomics.genotypes.outputs import with_columns
from workers.genomics.genotypes.steps import parse_steps


def card(*scores: str, adjusted: bool) -> ModelCard:
    fields = tuple(OutputField(name=name, type="float64", meaning="m") for name in scores)
    steps = parse_steps([{"adjust": {"z": True}}] if adjusted else [])
    return with_columns(ModelCard("pgs", fields, settings={"scores": list(scores)}), steps)


def test_a_record_is_a_score_that_is_adjusted() -> None:
    staged = plan({"m": card("x", "y", adjusted=True), "n": card("z", adjusted=False)}, {"after": "f"})
    (batch,) = staged.batches()
    assert batch["record_id"].to_pylist() == ["m/x", "m/y"]
    assert batch["subject_id"].to_pylist() == ["m", "m"]
    assert staged.state == {"after": "f"}


def test_a_sum_is_so_many_deviations_above_the_mean() -> None:
    fit = Fit.of_row({"mean": 2.0, "sd": 0.5, "components": None})
    np.testing.assert_array_equal(fit.of("z", np.array([2.0, 3.0, np.nan]), None), [0.0, 2.0, np.nan])


@pytest.mark.parametrize("sd", [0.0, None])
def test_a_score_that_does_not_vary_or_has_too_few_samples_has_no_z(sd: float | None) -> None:
    fit = Fit.of_row({"mean": 2.0, "sd": sd, "components": None})
    assert np.isnan(fit.of("z", np.array([2.0, 3.0]), None)).all()


def test_without_components_nothing_is_expected() -> None:
    fit = Fit.of_row({"mean": 2.0, "sd": 0.5, "components": None})
    assert np.isnan(fit.of("z_norm1", np.array([2.0]), np.zeros((1, 1)))).all()


def computed(scored: ScoredRun) -> pa.Table:
    context = scored.context("fit")
    stage = FitStage(context, scored.genotypes())
    try:
        return stage.compute(0, context.plan.shard(0)).table
    finally:
        stage.close()


def test_mean_and_deviation_are_those_of_the_sums_that_were_committed(scored: ScoredRun) -> None:
    table = computed(scored)
    assert table.equals(scored.finished("fit").all_rows())
    sums = scored.finished("score").all_rows(["A1", "B"])
    rows = {row["record_id"]: row for row in table.to_pylist()}
    for score in ("A1", "B"):
        values, row = sums[score].to_numpy(), rows[f"pgs/{score}"]
        assert row["n"] == SAMPLES
        assert math.isclose(row["mean"], values.mean(), rel_tol=1e-12)
        assert math.isclose(row["sd"], values.std(ddof=1), rel_tol=1e-12)


def test_a_score_that_nobody_has_is_fitted_to_nothing(scored: ScoredRun) -> None:
    row = next(row for row in computed(scored).to_pylist() if row["record_id"] == "pgs/LOW")
    assert (row["n"], row["mean"], row["sd"]) == (0, None, None)


def test_residuals_of_the_components_have_mean_0_and_deviation_1(scored: ScoredRun) -> None:
    rows = scored.finished("fit").all_rows(["record_id", "mean", "sd", "components"]).to_pylist()
    fit = Fit.of_row(next(row for row in rows if row["record_id"] == "pgs/A1"))
    sums = scored.finished("score").all_rows(["A1"])["A1"].to_numpy()
    pcs = np.full((SAMPLES, 1), np.nan)
    for line in (scored.root / "pcs.tsv").read_text().splitlines()[1:]:
        iid, value = line.split("\t")
        pcs[int(iid[1:])] = float(value)
    adjusted = fit.of("z_norm1", sums, pcs)
    there = ~np.isnan(pcs[:, 0])
    assert (np.isnan(adjusted) == ~there).all()
    assert abs(adjusted[there].mean()) < 1e-9
    assert abs(np.corrcoef(adjusted[there], pcs[there, 0])[0, 1]) < 1e-9
    assert adjusted[there].std() == pytest.approx(1, abs=0.03)
