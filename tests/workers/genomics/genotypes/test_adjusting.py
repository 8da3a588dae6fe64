from __future__ import annotations

import numpy as np
import pyarrow as pa

from schemas.outputs import OutputField
from tests.support.genotype_stages import SAMPLES, ScoredRun
from workers.contract import ModelCard
from workers.genomics.genotypes.adjusting import AdjustStage, columns_before
from workers.genomics.genotypes.outputs import with_columns
from workers.genomics.genotypes.steps import parse_steps


def computed(scored: ScoredRun) -> pa.Table:
    context = scored.context("predict")
    stage = AdjustStage(context, scored.genotypes())
    try:
        return stage.compute(0, context.plan.shard(0)).table
    finally:
        stage.close()


def test_before_they_are_adjusted_scores_have_all_other_columns() -> None:
    fields = (OutputField(name="s", type="float64", meaning="m"),)
    card = with_columns(ModelCard("pgs", fields, settings={"scores": ["s"]}), parse_steps([{"adjust": {"z": True}}]))
    names = [column.name for column in columns_before({"pgs": card})]
    assert names == ["s", "low_overlap", "allele_ct", "denom", "named_dosage"]


def test_rows_are_those_of_the_sums_with_what_was_adjusted(scored: ScoredRun) -> None:
    rows, before = computed(scored), scored.finished("score").rows(0)
    for name in before.column_names:
        assert rows[name].equals(before[name]), name
    sums = before["B"].to_numpy()
    np.testing.assert_allclose(rows["B_z"].to_numpy(), (sums - sums.mean()) / sums.std(ddof=1), rtol=1e-9)


def test_a_sample_without_components_has_z_alone_and_a_score_without_sums_nothing(scored: ScoredRun) -> None:
    rows = computed(scored)
    assert rows["A1_z"].null_count == 0
    for kind in ("z_norm1", "z_norm2"):
        nulls = rows[f"A1_{kind}"].is_null().to_pylist()
        assert nulls == [True] + [False] * (SAMPLES - 1)
    assert rows["LOW_z"].null_count == rows["LOW_z_norm2"].null_count == SAMPLES
