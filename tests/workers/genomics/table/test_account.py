from __future__ import annotations

from pathlib import Path

import polars as pl

from tests.support.genotype_stages import stage_context
from workers.genomics.table.account import OUTCOME_COLUMNS, account_stage


def test_the_account_says_of_every_record_what_became_of_it_and_why(converted: Path) -> None:
    context = stage_context(converted, "")
    stage = account_stage(context)
    parts = [stage.compute(shard, context.plan.shard(shard)).table for shard in range(context.run.plan.shards)]
    stage.close()
    rows = pl.concat([pl.DataFrame(pl.from_arrow(part)) for part in parts])
    assert rows.select(
        "record_id", pl.col("status").cast(pl.String), "outcome", "chrom", "pos", "n_variants"
    ).rows() == [
        ("a.vcf#0", "ok", "converted", "2", 5, 1),
        ("a.vcf#1", "ok", "converted", "1", 10, 1),
        ("a.vcf#2", "ok", "split", "1", 7, 2),
        ("a.vcf#3", "ok", "skipped", "1", 8, 0),
        ("a.vcf#4", "unreadable", "unreadable", None, None, 0),
        ("b.vcf#0", "ok", "converted", "X", 9, 1),
        ("b.vcf#1", "ok", "converted", "1", 10, 1),
        ("b.vcf#2", "ok", "converted", "scaffold7", 3, 1),
    ]
    assert rows["reason"].to_list()[3:5] == [
        "its alternatives are symbolic, breakends or *",
        "it has no chromosome or no position",
    ]
    # A reason is a fault only where the record is one.
    assert rows["detail"].drop_nulls().to_list() == ["it has no chromosome or no position"]
    assert {column.name for column in OUTCOME_COLUMNS} <= set(rows.columns)
