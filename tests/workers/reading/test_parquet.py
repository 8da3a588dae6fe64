"""What Arrow cannot read is damage, in the words of who reads; a storage that fails is not, nor what is not there."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import ObjectChanged, ObjectMissing, open_store
from schemas.errors import InfrastructureError, RecordError, SpecError
from schemas.status import Status
from tests.support.meds_data import break_column
from workers.reading.parquet import (
    column_batches,
    damage_as,
    guarded,
    open_parquet,
    parquet_batches,
    parquet_schema,
    while_planning,
)

DAMAGED = RecordError(Status.UNREADABLE, "its file is damaged")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"a": range(100_000), "b": ["x"] * 100_000}), path, row_group_size=40_000)
    return path


@pytest.mark.parametrize(
    "error", [pa.ArrowInvalid("of 'a value'"), pa.ArrowKeyError("x"), OSError("of Arrow, without a number")]
)
def test_damage_is_told_in_the_words_of_who_reads_and_without_the_content(error: Exception) -> None:
    for _ in range(3):
        with pytest.raises(RecordError) as raised, damage_as(DAMAGED):
            raise error
        assert raised.value.detail == "its file is damaged"
        assert "a value" not in "".join(traceback.format_exception(raised.value))
    assert DAMAGED.__traceback__ is None


def test_a_disk_that_fails_is_no_damage() -> None:
    with pytest.raises(InfrastructureError), damage_as(DAMAGED):
        raise InfrastructureError("EIO")


def test_what_is_not_there_is_told_where_a_plan_needs_it() -> None:
    with pytest.raises(ObjectMissing), damage_as(DAMAGED):
        raise ObjectMissing
    for gone in (ObjectMissing, ObjectChanged):
        with pytest.raises(SpecError, match="is not there, or was changed"), while_planning():
            raise gone


def test_memory_that_is_lacking_is_no_damage() -> None:
    with pytest.raises(MemoryError), damage_as(DAMAGED):
        raise pa.ArrowMemoryError("out of memory")


def test_a_file_is_read_in_batches_and_of_no_column_only_counted(table: Path) -> None:
    store = open_store(table.parent.as_uri())
    assert parquet_schema(store, table.name).names == ["a", "b"]
    file = open_parquet(store, table.name)
    found = list(parquet_batches(file, ["b", "b"], 30_000, "in.parquet"))
    assert {tuple(batch.schema.names) for batch in found} == {("b",)}
    assert sum(batch.num_rows for batch in found) == 100_000
    assert [batch.num_rows for batch in column_batches(file, [], 1, groups=[1, 2])] == [40_000, 20_000]


def test_what_lies_before_a_damaged_page_is_read(table: Path) -> None:
    break_column(table, 1, "b")
    batches: Iterator[pa.RecordBatch] = parquet_batches(
        open_parquet(open_store(table.parent.as_uri()), table.name), ["b"], 40_000, table.name
    )
    assert next(batches).num_rows == 40_000
    with pytest.raises(SpecError, match="no Parquet file, or damaged"):
        list(batches)
    with pytest.raises(RecordError, match="its file is damaged"):
        list(guarded(pq.ParquetFile(table).iter_batches(columns=["b"], use_threads=False), DAMAGED))


@pytest.mark.parametrize("body", [b"", b"PAR1", b"id,text\n"])
def test_what_is_no_parquet_is_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "in.parquet").write_bytes(body)
    with pytest.raises(SpecError, match="no Parquet file, or damaged"):
        open_parquet(open_store(tmp_path.as_uri()), "in.parquet")
