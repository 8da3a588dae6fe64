from __future__ import annotations

import os
import shutil
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from cluster.storage import open_store
from tests.support.genotype_stages import stage_context
from workers.finished_runs.stage import stage_at
from workers.genomics.convert_vcf import stages
from workers.genomics.table.read_stage import chunk_of

READ = "stages/read/"


def test_a_row_of_the_plan_is_the_chunk_that_it_was_planned_from(converted: Path) -> None:
    plan = stage_context(converted, READ).plan
    rows = [row for table in plan.shards() for row in table.to_pylist()]
    chunks = [chunk_of(row) for row in rows]
    assert [(chunk.key, chunk.file, chunk.kind) for chunk in chunks] == [
        ("a.vcf", 0, "vcf text"),
        ("b.vcf", 1, "vcf text"),
    ]
    for row, chunk in zip(rows, chunks, strict=True):
        assert row["record_id"] == f"{chunk.key}@{chunk.start}"
        assert chunk.start < chunk.stop <= chunk.file_size


def test_a_chunk_tells_its_records_and_where_its_outcomes_and_parts_lie(converted: Path) -> None:
    finished = stage_at(open_store(str(converted)), "read")
    rows = finished.all_rows().to_pylist()
    assert [row["n_records"] for row in rows] == [5, 3]
    assert [row["outcome_rows"] for row in rows] == [[5], [3]]
    assert [[part["chrom"] for part in row["parts"]] for row in rows] == [["2", "1"], ["X", "1", "other"]]
    for row in rows:
        named = {*row["outcome_keys"], *(part["variants"] for part in row["parts"])}
        assert named <= {ref.key for shard in (0, 1) for ref in finished.side_objects(shard)}
        for part in row["parts"]:
            assert pl.read_parquet(converted / part["variants"]).height == part["rows"]


def read_again(run: Path, shard: int) -> pa.Table:
    context = stage_context(run, READ)
    stage = stages.read(context)
    try:
        return stage.compute(shard, context.plan.shard(shard)).table
    finally:
        stage.close()


@pytest.mark.parametrize(
    ("how", "status", "reason"),
    [
        ("gone", "missing", "the file is gone since it was planned"),
        ("touched", "input_changed", "the file was changed since it was planned"),
    ],
)
def test_a_file_that_is_not_as_planned_is_one_record_that_says_so(
    converted: Path, tmp_path: Path, how: str, status: str, reason: str
) -> None:
    # The run is a copy, and the second file of the input is put back as it was.
    run = Path(shutil.copytree(converted, tmp_path / "out"))
    path = converted.parent / "in/b.vcf"
    kept, times = path.read_bytes(), path.stat().st_mtime_ns
    try:
        path.unlink()
        if how == "touched":
            path.write_bytes(kept + b"\n")
        (row,) = read_again(run, 1).to_pylist()
    finally:
        path.write_bytes(kept)
        os.utime(path, ns=(times, times))
    assert (row["status"], row["n_records"], row["parts"]) == (status, 1, [])
    (key,) = row["outcome_keys"]
    outcome = pl.read_parquet(run / key)
    assert outcome.select("status", "outcome", "reason", "n_variants").rows() == [(status, "unreadable", reason, 0)]
