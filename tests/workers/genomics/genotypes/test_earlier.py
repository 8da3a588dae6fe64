from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from cluster.storage import open_store
from tests.support.genotype_stages import VARIANTS, ScoredRun
from workers.genomics.contract import COUNT_SCHEMA
from workers.genomics.genotypes.earlier import all_rows, cohort_counts, encode, no_counts
from workers.pipeline.frames import read_frame


def test_a_side_object_is_read_as_it_was_written_and_says_whose_it_is(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [1, 2], "name": ["x", None], "many": [[1.5], []]})
    (tmp_path / "side.parquet").write_bytes(encode(frame, "f" * 64))
    assert read_frame(open_store(str(tmp_path)), "side.parquet").equals(frame)
    metadata = pq.read_schema(tmp_path / "side.parquet").metadata
    assert metadata[b"wardround.fingerprint"] == b"f" * 64


def test_the_same_table_has_the_same_bytes_whoever_encodes_it() -> None:
    frame = pl.DataFrame({"a": np.arange(1000), "name": ["x", "y"] * 500})
    assert encode(frame, "f") == encode(frame.clone(), "f")


def test_counts_of_the_cohort_are_those_of_all_shards_of_their_stage(scored: ScoredRun) -> None:
    counts = cohort_counts(scored.context("predict"), scored.genotypes())
    assert dict(counts.schema) == COUNT_SCHEMA
    # Variants that no score counts were not read.
    assert counts["variant_idx"].is_sorted()
    assert 57 < counts.height < VARIANTS
    autosomal = [row for row in counts.rows() if scored.data.chrom[row[0]] == "1"]
    assert autosomal
    for index, alts, alleles, *calls in autosomal:
        here = scored.data.calls[index]
        assert calls == [(here == code).sum() for code in range(4)]
        assert (alts, alleles) == (here[here < 3].sum(), 2 * (here < 3).sum())


def test_rows_of_a_stage_come_in_the_order_of_its_plan(scored: ScoredRun) -> None:
    rows = all_rows(scored.finished("match"), ["record_id"])
    assert rows["record_id"].to_list() == ["pgs/A1", "pgs/A2", "pgs/B", "pgs/CUT", "pgs/LOW"]


def test_no_counts_can_stand_beside_counts() -> None:
    assert (no_counts().height, dict(no_counts().schema)) == (0, COUNT_SCHEMA)
