"""Plans that are cut between subjects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.storage import open_store
from jobs.planning.subjects import shards_of_subjects
from jobs.planning.writer import write_plan
from jobs.rejects import spread_sample
from schemas.plan import plan_schema
from workers.finished_runs.plan import PlanReader

SCHEMA = plan_schema()

subject_counts = st.lists(st.integers(1, 12), min_size=1, max_size=25)


def plan_of(counts: Sequence[int]) -> pa.Table:
    subjects = [f"s{subject}" for subject, count in enumerate(counts) for _ in range(count)]
    ids = pa.array([f"r{row}" for row in range(len(subjects))])
    columns = [ids, pa.array(subjects), ids, *(pa.nulls(len(subjects), field.type) for field in list(SCHEMA)[3:])]
    return pa.table(columns, schema=SCHEMA)


def shards_by_hand(counts: Sequence[int], size: int) -> list[int]:
    """Fill a shard until the next subject does not fit any more."""
    shards = [0]
    for count in counts:
        if shards[-1] and shards[-1] + count > size:
            shards.append(0)
        shards[-1] += count
    return shards


@settings(max_examples=25, deadline=None)
@given(counts=subject_counts, batch=st.integers(1, 20), size=st.integers(1, 15))
def test_a_shard_takes_whole_subjects_while_they_fit_however_the_batches_are_cut(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], batch: int, size: int
) -> None:
    path = tmp_path_factory.mktemp("plan") / "plan.parquet"
    table = plan_of(counts)
    info = write_plan(table.to_batches(batch), SCHEMA, path, size, whole_subjects=True)
    file = pq.ParquetFile(path)
    groups = [file.read_row_group(group)["subject_id"].to_pylist() for group in range(file.num_row_groups)]
    assert [len(group) for group in groups] == shards_by_hand(counts, size)
    assert [info.shard_rows(shard) for shard in range(info.shards)] == [len(group) for group in groups]
    assert file.read().equals(table)
    assert sum(len(set(group)) for group in groups) == len(counts)


@settings(max_examples=20, deadline=None)
@given(counts=subject_counts, size=st.integers(1, 15), sample=st.integers(1, 30))
def test_records_are_found_by_their_place_whatever_the_sizes_of_the_shards(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], size: int, sample: int
) -> None:
    folder = tmp_path_factory.mktemp("plan")
    table = plan_of(counts)
    info = write_plan(table.to_batches(), SCHEMA, folder / "plan.parquet", size, whole_subjects=True)
    places = spread_sample(info, sample)
    found = PlanReader(open_store(str(folder)), "plan.parquet", info).rows(places)
    assert found["record_id"].to_pylist() == [f"r{place}" for place in places]
    shards = [info.shard_of(record) for record in range(info.records)]
    assert [(shard, len(list(rows))) for shard, rows in groupby(shards)] == [
        (shard, info.shard_rows(shard)) for shard in range(info.shards)
    ]


def test_records_without_a_subject_belong_to_nobody_and_may_be_parted(tmp_path: Path) -> None:
    table = plan_of([1] * 7).set_column(1, SCHEMA.field("subject_id"), pa.nulls(7, pa.string()))
    info = write_plan(table.to_batches(), SCHEMA, tmp_path / "plan.parquet", 3, whole_subjects=True)
    assert info.ends == (3, 6, 7)


def test_plans_of_fixed_size_are_the_same_bytes_as_ever_and_name_no_ends(tmp_path: Path) -> None:
    def numbered() -> Iterator[pa.RecordBatch]:
        ids = pa.array([f"record-{row:04d}" for row in range(1000)])
        columns = [ids, pa.nulls(1000, pa.string()), ids, *(pa.nulls(1000, f.type) for f in list(SCHEMA)[3:])]
        yield from pa.table(columns, schema=SCHEMA).to_batches(64)

    info = write_plan(numbered(), SCHEMA, tmp_path / "plan.parquet", 100)
    options = {"compression": "zstd", "compression_level": 1, "write_page_checksum": True}
    with pq.ParquetWriter(tmp_path / "old.parquet", SCHEMA, **options) as writer:
        whole = pa.Table.from_batches(numbered(), SCHEMA)
        for start in range(0, 1000, 100):
            writer.write_table(whole.slice(start, 100), row_group_size=100)
    assert (tmp_path / "plan.parquet").read_bytes() == (tmp_path / "old.parquet").read_bytes()
    assert info.ends is None


def cut(subjects: Sequence[str | None], size: int, batch: int) -> list[list[int]]:
    """The shards' rows by number, of a stream in batches of so many."""
    schema = pa.schema([("subject_id", pa.string()), ("row", pa.int64())])
    table = pa.table([pa.array(subjects, pa.string()), pa.array(range(len(subjects)))], schema=schema)
    return [shard["row"].to_pylist() for shard in shards_of_subjects(table.to_batches(batch), schema, size)]


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_a_shard_ends_where_a_subject_ends_however_the_stream_is_cut(batch: int) -> None:
    assert cut(list("aabbbc"), 4, batch) == [[0, 1], [2, 3, 4, 5]]
    assert cut(list("abcd"), 2, batch) == [[0, 1], [2, 3]]


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_only_a_subject_that_alone_has_more_records_makes_a_shard_larger(batch: int) -> None:
    assert cut(list("abbbbbc"), 2, batch) == [[0], [1, 2, 3, 4, 5], [6]]


@pytest.mark.parametrize("batch", [1, 100])
def test_records_of_nobody_belong_to_no_one_together(batch: int) -> None:
    assert cut([None, None, None, "a", "a", None], 2, batch) == [[0, 1], [2], [3, 4], [5]]


def test_no_records_are_no_shards() -> None:
    assert cut([], 3, 1) == []
