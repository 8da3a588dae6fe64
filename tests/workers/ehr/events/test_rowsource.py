"""Rows by their place, from files that are whole, damaged, or on storage that fails for a while."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import StorageSettings, open_store
from schemas.errors import InfrastructureError, RecordError
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.meds_data import break_column
from tests.support.seaweed import S3
from workers.ehr.events import rowsource
from workers.ehr.events.rowsource import RowSource, Run


def write(path: Path, rows: int, row_group: int) -> pa.Table:
    random = np.random.default_rng(1)
    table = pa.table({"subject_id": random.integers(0, 1 << 60, rows), "code": [f"C{i % 7}" for i in range(rows)]})
    pq.write_table(table, path, row_group_size=row_group)
    return table


def code_texts(table: pa.Table) -> list[str]:
    texts: list[str] = table["code"].cast(pa.string()).to_pylist()
    return texts


def test_any_run_in_any_order_gives_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rowsource, "_BATCH_ROWS", 13)
    whole = write(tmp_path / "f.parquet", 500, 60)
    source = RowSource(open_store(str(tmp_path), StorageSettings()), ["subject_id", "code", "not there"])
    random = np.random.default_rng(2)
    for _ in range(60):
        first, end = sorted(random.integers(0, 501, 2).tolist())
        if first == end:
            continue
        found = source.read(Run(f"{tmp_path}/f.parquet", None, first, end - first))
        assert found["subject_id"].to_pylist() == whole["subject_id"].to_pylist()[first:end]
        assert code_texts(found) == code_texts(whole)[first:end]


def test_whether_a_row_can_be_read_does_not_depend_on_what_was_read_before(tmp_path: Path) -> None:
    write(tmp_path / "f.parquet", 100, 20)
    break_column(tmp_path / "f.parquet", group=2, column="code")
    store = open_store(str(tmp_path), StorageSettings())

    def outcome(source: RowSource, first: int) -> str:
        try:
            return str(source.read(Run(f"{tmp_path}/f.parquet", None, first, 10)).num_rows)
        except RecordError as error:
            return error.status

    forwards, backwards = RowSource(store, ["code"]), RowSource(store, ["code"])
    places = range(0, 91, 5)
    one = [outcome(forwards, place) for place in places]
    other = [outcome(backwards, place) for place in reversed(places)]
    assert one == other[::-1] == [outcome(RowSource(store, ["code"]), place) for place in places]
    assert one == ["unreadable" if 30 < place < 60 else "10" for place in places]


def test_rows_beyond_the_end_of_a_file_are_another_file_than_was_planned(tmp_path: Path) -> None:
    write(tmp_path / "f.parquet", 10, 10)
    source = RowSource(open_store(str(tmp_path), StorageSettings()), ["code"])
    with pytest.raises(RecordError, match="input_changed"):
        source.read(Run(f"{tmp_path}/f.parquet", None, 5, 6))


def test_storage_that_failed_for_a_while_is_no_damage_when_the_shard_is_tried_again(
    tmp_path: Path, s3: S3, bucket_prefix: str
) -> None:
    whole = write(tmp_path / "f.parquet", 300_000, 300_000)
    s3.store().put(f"{bucket_prefix.rpartition('/')[2]}/f.parquet", tmp_path / "f.parquet", {})
    with FaultProxy(s3.endpoint_url, [Fault("slow_down", "GET", "f.parquet", nth=2, times=4)]) as proxy:
        source = RowSource(open_store(bucket_prefix, s3.through(proxy.endpoint_url)), ["subject_id", "code"])
        run = Run(f"{bucket_prefix}/f.parquet", None, 1000, 200_000)
        with pytest.raises(InfrastructureError):
            source.read(run)
        found = source.read(run)
    assert found["subject_id"].equals(whole["subject_id"].slice(1000, 200_000))
