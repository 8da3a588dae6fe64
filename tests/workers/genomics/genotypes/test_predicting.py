from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tests.support.genotype_stages import SAMPLES, ScoredRun
from workers.genomics.genotypes.predicting import PredictStage


def computed(scored: ScoredRun, records: pa.Table | None = None, **settings: str) -> pa.Table:
    context = scored.context("score")
    stage = PredictStage(context, scored.genotypes(**settings))
    try:
        return stage.compute(0, context.plan.shard(0) if records is None else records).table
    finally:
        stage.close()


def planned(scored: ScoredRun, etag: str | None = None) -> pa.Table:
    records = scored.context("score").plan.shard(0)
    place = records.schema.get_field_index("etag")
    return records.set_column(place, records.schema.field(place), [[etag or "0" * 32] * records.num_rows])


def test_what_was_committed_is_found_again(scored: ScoredRun) -> None:
    assert computed(scored).equals(scored.finished("score").rows(0))


def test_part_of_the_samples_is_scored_as_it_is_among_all(scored: ScoredRun) -> None:
    part = scored.context("score").plan.shard(0).slice(20, 17)
    whole, some = computed(scored).slice(20, 17), computed(scored, part)
    assert some["record_id"].to_pylist() == [f"s{at}" for at in range(20, 37)]
    np.testing.assert_allclose(some["B"].to_numpy(), whole["B"].to_numpy(), rtol=1e-12)
    assert some.drop_columns(["A1", "A2", "B"]).column_names
    assert some["allele_ct"].to_pylist() == whole["allele_ct"].to_pylist()
    assert some["call_rate"].to_pylist() == whole["call_rate"].to_pylist()


@pytest.mark.parametrize(
    ("uri", "status", "detail"),
    [
        ("cohort.bed", "input_changed", "the genotypes were changed since they were planned"),
        ("elsewhere.bed", "missing", "the genotypes are gone since they were planned"),
    ],
)
def test_genotypes_that_are_not_as_planned_leave_every_sample_of_the_shard_without_a_value(
    scored: ScoredRun, uri: str, status: str, detail: str
) -> None:
    table = computed(scored, planned(scored), uri=str(scored.root / uri))
    assert table["status"].to_pylist() == [status] * SAMPLES
    assert table["detail"].to_pylist() == [detail] * SAMPLES
    assert table["record_id"].to_pylist() == [f"s{at}" for at in range(SAMPLES)]
    for name in ("A1", "call_rate", "sex_check", "low_overlap", "denom"):
        assert table[name].null_count == SAMPLES
    assert table["sex"].null_count == 0
