"""Writing a plan as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.planning.writer import write_plan
from schemas.errors import InfrastructureError, SpecError
from schemas.plan import plan_schema

SCHEMA = plan_schema()


def batches(ids: list[str | None], size: int) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(ids), size):
        part = ids[start : start + size]
        columns = [pa.array(part, pa.string()), pa.nulls(len(part), pa.string()), pa.array(["u"] * len(part))]
        columns += [pa.nulls(len(part), field.type) for field in list(SCHEMA)[3:]]
        yield pa.record_batch(columns, schema=SCHEMA)


@settings(max_examples=30, deadline=None)
@given(records=st.integers(1, 60), batch=st.integers(1, 20), shard=st.integers(1, 25))
def test_every_shard_but_the_last_is_a_full_row_group_in_order(
    tmp_path_factory: pytest.TempPathFactory, records: int, batch: int, shard: int
) -> None:
    path = tmp_path_factory.mktemp("plan") / "plan.parquet"
    ids: list[str | None] = [f"r{i}" for i in range(records)]
    info = write_plan(batches(ids, batch), SCHEMA, path, shard)
    file = pq.ParquetFile(path)
    sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    assert sizes == [info.shard_rows(group) for group in range(info.shards)]
    assert file.read()["record_id"].to_pylist() == ids
    assert sum(sizes) == info.records == records


def test_the_same_records_give_the_same_digest_whatever_the_batches(tmp_path: Path) -> None:
    ids: list[str | None] = [f"r{i}" for i in range(50)]
    digests = {write_plan(batches(ids, size), SCHEMA, tmp_path / str(size), 7).sha256 for size in (1, 7, 50)}
    assert len(digests) == 1


def test_doubled_ids_are_refused_by_row_number(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="rows 3, 5 of the input repeat an earlier id"):
        write_plan(batches(["a", "b", "a", "c", "b"], 2), SCHEMA, tmp_path / "p", 2)
    with pytest.raises(
        SpecError, match=r"row 2 of the input repeats an earlier id: .* name a column .*input\.record_id"
    ):
        write_plan(batches(["a", "a"], 2), SCHEMA, tmp_path / "q", 2)


def test_a_null_id_is_refused_by_row_number(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="row 4"):
        write_plan(batches(["a", "b", "c", None], 3), SCHEMA, tmp_path / "p", 2)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_temporary_folder_is_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "p").symlink_to("/dev/full")
    with pytest.raises(InfrastructureError, match="set TMPDIR"):
        write_plan(batches(["a", "b", "c"], 3), SCHEMA, tmp_path / "p", 2)


def test_an_empty_input_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no records"):
        write_plan(iter(()), SCHEMA, tmp_path / "p", 2)
