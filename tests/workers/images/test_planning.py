"""Records of tables: ids as they are written, errors without their content, and files that changed or broke."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import StorageSettings
from cluster.storage.range_reader import RangeReader
from schemas.errors import InfrastructureError, SpecError
from schemas.status import Status
from workers.images.fetching import ColumnFetcher, Fetched, Wanted
from workers.images.planning import ImageRecords
from workers.images.settings import ImagesInput

SECRET = "Jane Roe"


def planned(uri: Path, **more: object) -> list[dict[str, object]]:
    source = ImagesInput.model_validate({"collection": "images", "uri": str(uri), **more})
    return pa.Table.from_batches(ImageRecords(source, StorageSettings()).batches()).to_pylist()


def table(folder: Path, text: str, name: str = "images.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_ids_and_carried_columns_of_csv_are_text_as_written(tmp_path: Path) -> None:
    rows = table(tmp_path, 'id,uri,code,who\n007,a.png,NA,0012\n7,b.png,,"null"\n')
    found = planned(rows, record_id="id", subject_id="who", carry=["code"])
    assert [(row["record_id"], row["subject_id"], row["code"]) for row in found] == [
        ("007", "0012", "NA"),
        ("7", "null", None),
    ]


def test_sizes_and_frames_of_csv_are_numbers_and_a_field_may_hold_lines(tmp_path: Path) -> None:
    rows = table(tmp_path, 'record_id,uri,size,member,note\n1,a.dcm,10,2,"two\nlines"\n2,b.dcm,,,\n')
    found = planned(rows, carry=["note"])
    assert [(row["size"], row["member"], row["note"]) for row in found] == [(10, 2, "two\nlines"), (None, None, None)]


def test_a_gzip_table_and_cells_of_a_megabyte(tmp_path: Path) -> None:
    long = "x" * (2 << 20)
    (tmp_path / "images.csv.gz").write_bytes(gzip.compress(f"record_id,uri,note\n1,a.png,{long}\n".encode()))
    (row,) = planned(tmp_path / "images.csv.gz", carry=["note"])
    assert row["note"] == long


@pytest.mark.parametrize(
    "text",
    [
        f"record_id,uri\n1,a.png\n2,b.png,{SECRET}\n",
        "record_id,uri\n" + "1,a.png\n" * 400_000 + f"2,b.png,{SECRET}\n",
        f"record_id,uri,size\n1,a.png,{SECRET}\n",
        f"record_id,uri,uri\n1,a.png,{SECRET}\n",
        "",
    ],
    ids=["ragged", "ragged late", "no number", "doubled column", "empty"],
)
def test_a_table_that_cannot_be_read_is_told_without_its_content(tmp_path: Path, text: str) -> None:
    with pytest.raises(SpecError) as error:
        planned(table(tmp_path, text))
    assert SECRET not in str(error.value)
    assert "b.png" not in str(error.value)


@pytest.mark.parametrize(
    ("column", "values"),
    [("size", [SECRET]), ("size", [1.5]), ("member", [SECRET]), ("uri", [b"\xff"]), ("record_id", [b"\xff"])],
)
def test_a_column_of_another_type_is_named_and_not_quoted(tmp_path: Path, column: str, values: list[object]) -> None:
    pq.write_table(pa.table({"uri": ["a.png"], "record_id": ["a"], column: values}), tmp_path / "images.parquet")
    with pytest.raises(SpecError, match=f"column '{column}'") as error:
        planned(tmp_path / "images.parquet")
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"record_id": "imageid"}, "record_id names a column 'imageid'"),
        ({"subject_id": "PatientId"}, "did you mean 'PatientID'"),
        ({"carry": ["visit"]}, "'visit', which is no column"),
    ],
)
def test_a_name_that_neither_table_nor_dicom_knows_is_refused(
    tmp_path: Path, more: dict[str, object], said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        planned(table(tmp_path, "image_id,uri\n1,a.png\n"), **more)
    with pytest.raises(SpecError, match=said):
        planned(tmp_path, **more)


def test_a_parquet_table_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no Parquet file"):
        planned(table(tmp_path, SECRET * 100, "images.parquet"))


def images(path: Path, groups: int = 3, rows: int = 4) -> Path:
    names = [f"{i:02d}" for i in range(groups * rows)]
    values = [name.encode() * 2000 for name in names]
    pq.write_table(pa.table({"name": names, "image": pa.array(values)}), path, row_group_size=rows, compression="none")
    return path


def fetched(folder: Path, rows: list[dict[str, object]]) -> list[Fetched]:
    fetcher = ColumnFetcher(str(folder), StorageSettings(), "image")
    return fetcher.fetch([Wanted(str(row["uri"]), int(str(row["member"])), str(row["etag"])) for row in rows])


def test_images_in_a_column_are_read_back(tmp_path: Path) -> None:
    rows = planned(images(tmp_path / "a.parquet"), bytes_column="image", record_id="name")
    assert [bytes(item.data[:2]) for item in fetched(tmp_path, rows)] == [
        str(row["record_id"]).encode() for row in rows
    ]


def test_a_damaged_group_of_a_parquet_file_costs_its_own_records_only(tmp_path: Path) -> None:
    path = images(tmp_path / "a.parquet")
    place = pq.read_metadata(path).row_group(1).column(1).data_page_offset
    body = bytearray(path.read_bytes())
    body[place : place + 64] = b"\xff" * 64
    path.write_bytes(body)
    rows = planned(path, bytes_column="image", record_id="name")
    assert [item.status for item in fetched(tmp_path, rows)] == [None] * 4 + [Status.UNREADABLE] * 4 + [None] * 4


def test_a_parquet_file_that_was_written_again_after_planning_is_not_read(tmp_path: Path) -> None:
    path = images(tmp_path / "a.parquet")
    rows = planned(path, bytes_column="image", record_id="name")
    images(path, groups=2)
    assert {item.status for item in fetched(tmp_path, rows)} == {Status.INPUT_CHANGED}
    # Of a folder with nothing left in it the mount may be gone.
    (tmp_path / "beside").write_bytes(b"")
    path.unlink()
    assert {item.status for item in fetched(tmp_path, rows)} == {Status.MISSING}


def test_a_storage_that_fails_is_not_a_damaged_parquet_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = planned(images(tmp_path / "a.parquet"), bytes_column="image", record_id="name")

    fetcher = ColumnFetcher(str(tmp_path), StorageSettings(), "image")
    monkeypatch.setattr(fetcher, "_store", _Failing())
    with pytest.raises(InfrastructureError, match="503"):
        fetcher.fetch([Wanted(str(rows[0]["uri"]), 0)])


class _Failing:
    """A store whose files fail as they are read."""

    def open_reader(self, key: str, *, if_etag: str | None = None) -> RangeReader:
        def fetch(start: int, length: int) -> bytes:
            raise InfrastructureError("503")

        return RangeReader(fetch, 10_000)


def test_files_of_one_collection_have_the_same_columns(tmp_path: Path) -> None:
    images(tmp_path / "a.parquet")
    pq.write_table(pa.table({"name": ["x"]}), tmp_path / "b.parquet")
    with pytest.raises(SpecError, match="no column 'image'"):
        planned(tmp_path, bytes_column="image")


def test_an_empty_field_is_null_without_quotes_and_empty_text_with_them(tmp_path: Path) -> None:
    rows = table(tmp_path, 'record_id,uri,note\n1,a.png,\n2,b.png,""\n')
    assert [row["note"] for row in planned(rows, carry=["note"])] == [None, ""]


def test_a_prefix_is_listed_by_key_and_pattern(tmp_path: Path) -> None:
    for name in ("b.png", "a/c.png", "a/d.txt"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"x")
    assert [row["record_id"] for row in planned(tmp_path / "in", glob="*.png")] == ["a/c.png", "b.png"]


@pytest.mark.parametrize("damage", ["footer", "pages"])
def test_the_one_damaged_parquet_file_of_many_is_named(tmp_path: Path, damage: str) -> None:
    for number in range(5):
        columns = {"png": pa.array([b"x" * 999] * 9), "record_id": [f"{number}-{row}" for row in range(9)]}
        pq.write_table(pa.table(columns), tmp_path / f"part-{number}.parquet", compression="none", use_dictionary=False)
    body = (tmp_path / "part-3.parquet").read_bytes()
    at = body.index(b"3-0") - 40
    broken = body[:-9] if damage == "footer" else body[:at] + b"\xff" * 40 + body[at + 40 :]
    (tmp_path / "part-3.parquet").write_bytes(broken)
    with pytest.raises(SpecError, match=r"'part-3.parquet' of input.uri is no Parquet file, or damaged"):
        planned(tmp_path, bytes_column="png")
