from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from cluster.storage import open_store
from schemas.errors import VerificationError
from tests.support.genotype_tables import HEADER, columns_of, convert_table, vcf_line
from workers.finished_runs.stage import stage_at
from workers.genomics.contract import SAMPLE_SCHEMA
from workers.genomics.table.collection import account_batches, samples_digest


def samples(*rows: tuple[str | None, str, int]) -> pl.DataFrame:
    made = [(at, *row) for at, row in enumerate(rows)]
    return pl.DataFrame(made, schema=SAMPLE_SCHEMA, orient="row")


def test_lists_of_samples_are_the_same_only_with_the_same_ids_sexes_and_order() -> None:
    digests = [
        samples_digest(samples(*rows))
        for rows in (
            [("f", "a", 1), ("f", "b", 2)],
            [("f", "b", 2), ("f", "a", 1)],
            [("f", "a", 1), ("f", "b", 0)],
            [(None, "a", 1), (None, "b", 2)],
            [("f", "a", 1)],
            [],
        )
    ]
    assert len(set(digests)) == len(digests)
    assert samples_digest(samples(("f", "a", 1))) == digests[4]


def test_every_record_of_every_file_is_accounted_for_in_its_order(converted: Path) -> None:
    store = open_store(str(converted))
    batches = list(account_batches(stage_at(store, "read"), stage_at(store, "variants")))
    rows = [(row["record_id"], row["row"]) for batch in batches for row in batch.to_pylist()]
    assert [name for name, _ in rows] == [f"a.vcf#{at}" for at in range(5)] + [f"b.vcf#{at}" for at in range(3)]
    assert [row for _, row in rows] == [0, 1, 2, 3, 4, 0, 1, 2]


def test_a_table_that_lacks_variants_that_were_read_is_damage(converted: Path, tmp_path: Path) -> None:
    (tmp_path / "a.vcf").write_text(HEADER + columns_of(["p"]) + vcf_line("1", 5, "A", "C", ["0/1"]))
    other = convert_table(f"format: vcf, uri: {tmp_path / 'a.vcf'}", tmp_path / "out")
    with pytest.raises(VerificationError, match="does not hold the variants that were read"):
        list(account_batches(stage_at(open_store(str(converted)), "read"), stage_at(other, "variants")))
