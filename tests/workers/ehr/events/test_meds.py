"""What is a MEDS dataset and what is not, told before anything is scored."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from tests.support.meds_data import events, write_dataset
from workers.ehr.events.meds import NOT_STATED, MedsRoot
from workers.ehr.events.ranges import SCHEMA, range_batches

GOOD = {
    "subject_id": pa.array([1], pa.int64()),
    "time": pa.array([datetime(2020, 1, 1)], pa.timestamp("us")),
    "code": pa.array(["A"], pa.string()),
    "numeric_value": pa.array([1.0], pa.float32()),
}


def root_of(folder: Path, version: object = "0.4.1", **columns: pa.Array | None) -> MedsRoot:
    """A dataset of one row whose columns are GOOD but for these; None leaves one out."""
    given = {name: column for name, column in {**GOOD, **columns}.items() if column is not None}
    path = folder / "data" / "train" / "0.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table(given), path)
    about = folder / "metadata" / "dataset.json"
    about.parent.mkdir()
    about.write_text(json.dumps({"meds_version": version}))
    return MedsRoot(str(folder), StorageSettings())


@pytest.mark.parametrize("version", ["0.3", "0.3.3", "0.4.0", "0.4.1"])
def test_versions_3_and_4_are_read(tmp_path: Path, version: str) -> None:
    root = root_of(tmp_path, version)
    assert root.version() == version
    assert [batch.num_rows for batch in range_batches(root)] == [1]


def test_a_dataset_that_states_no_version_is_read(tmp_path: Path) -> None:
    assert root_of(tmp_path / "a", None).version() == NOT_STATED
    root = root_of(tmp_path / "b")
    (tmp_path / "b" / "metadata" / "dataset.json").unlink()
    assert root.version() == NOT_STATED


@pytest.mark.parametrize("version", ["0.1", "0.2.1", "1.0", 0.1])
def test_another_version_is_refused_by_its_name(tmp_path: Path, version: object) -> None:
    with pytest.raises(SpecError, match=f"states MEDS '{version}'; MEDS 0.3 and 0.4 are read"):
        next(range_batches(root_of(tmp_path, version)))


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ({"patient_id": pa.array([1])}, r"MEDS 0\.1 nests events"),
        ({"code": None}, "has no column 'code'"),
        ({"time": None}, "has no column 'time'"),
        ({"subject_id": pa.array(["1"])}, "'subject_id' is string, MEDS has int64"),
        ({"subject_id": pa.array([1], pa.int32())}, "'subject_id' is int32, MEDS has int64"),
        ({"time": GOOD["time"].cast(pa.timestamp("us", "Europe/Vienna"))}, "has the time zone Europe/Vienna"),
        ({"time": GOOD["time"].cast(pa.timestamp("ms"))}, r"'time' is timestamp\[ms\], MEDS has timestamp\[us\]"),
        ({"code": pa.array([7])}, "'code' is int64, MEDS has string"),
        ({"numeric_value": pa.array([1.0])}, "'numeric_value' is double, MEDS has float"),
    ],
)
def test_columns_that_are_not_as_meds_has_them_are_refused_with_file_and_version(
    tmp_path: Path, columns: dict[str, pa.Array | None], complaint: str
) -> None:
    with pytest.raises(SpecError, match=complaint) as raised:
        next(range_batches(root_of(tmp_path, **columns)))
    assert str(raised.value).startswith("data/train/0.parquet (MEDS version 0.4.1)")


def test_values_may_be_absent_and_codes_of_any_kind_of_text(tmp_path: Path) -> None:
    kinds = [pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.dictionary(pa.int16(), pa.large_string())]
    for place, kind in enumerate(kinds):
        root = root_of(tmp_path / str(place), code=GOOD["code"].cast(kind), numeric_value=None)
        assert next(range_batches(root)).num_rows == 1


def test_a_root_without_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "0.parquet").write_bytes(b"")
    with pytest.raises(SpecError, match="root of a MEDS dataset"):
        next(range_batches(MedsRoot(str(tmp_path), StorageSettings())))


def test_ranges_cover_every_row_once_with_the_bytes_that_hold_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.ehr.events.ranges.RANGE_ROWS", 25)
    rows = events(range(12), 5)
    root = write_dataset(tmp_path, [rows], row_group=10)
    records = pa.Table.from_batches(range_batches(MedsRoot(str(root), StorageSettings())), SCHEMA).to_pylist()
    ends = [record["first_row"] + record["rows"] for record in records]
    assert [record["first_row"] for record in records] == [0, *ends[:-1]]
    assert ends[-1] == len(rows)
    assert all(len(record["group_rows"]) <= 2 and sum(record["group_rows"]) == record["rows"] for record in records)
    metadata = pq.read_metadata(root / "data" / "0.parquet")
    groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
    stored = sum(group.column(i).total_compressed_size for group in groups for i in range(group.num_columns))
    assert sum(record["size"] for record in records) == stored
