import gzip
from pathlib import Path

import polars as pl
import pytest

from cluster.storage import StorageSettings
from schemas.errors import RefusedError, SpecError
from workers.labels.settings import Labels
from workers.labels.table import planned_labels, read_labels, with_labels


def written(path: Path, table: pl.DataFrame) -> Labels:
    if path.suffix == ".parquet":
        table.write_parquet(path)
    else:
        table.write_csv(path, separator={".tsv": "\t", ".csv": ",", ".txt": ";"}[path.suffix])
    return Labels(uri=str(path), key="image", delimiter=";" if path.suffix == ".txt" else None)


@pytest.mark.parametrize("name", ["l.parquet", "l.csv", "l.tsv", "l.txt"])
def test_labels_are_read_from_every_kind_of_table(tmp_path: Path, name: str) -> None:
    labels = written(tmp_path / name, pl.DataFrame({"image": [1, 2], "sick": [0, 1]}))
    table, digest = read_labels(labels, StorageSettings())
    assert table["image"].to_list() == ["1", "2"]
    assert table["sick"].cast(pl.Int64).to_list() == [0, 1]
    assert len(digest) == 64


def test_ids_of_csv_keep_their_zeros_and_an_empty_field_is_no_truth(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("image,sick\n0017,1\n17,\n")
    table, _ = read_labels(Labels(uri=str(tmp_path / "l.csv"), key="image"), StorageSettings())
    assert table["image"].to_list() == ["0017", "17"]
    assert table["sick"].to_list() == ["1", None]


def test_a_compressed_table_is_read(tmp_path: Path) -> None:
    (tmp_path / "l.csv.gz").write_bytes(gzip.compress(b"image,sick\n1,0\n"))
    table, _ = read_labels(Labels(uri=str(tmp_path / "l.csv.gz"), key="image"), StorageSettings())
    assert table["image"].to_list() == ["1"]


def test_a_table_that_was_changed_since_it_was_planned_is_refused(tmp_path: Path) -> None:
    labels = written(tmp_path / "l.csv", pl.DataFrame({"image": [1], "sick": [0]}))
    _, digest = read_labels(labels, StorageSettings())
    written(tmp_path / "l.csv", pl.DataFrame({"image": [1], "sick": [1]}))
    with pytest.raises(RefusedError, match="was changed"):
        planned_labels(labels, StorageSettings(), digest)


def test_a_table_without_the_column_of_ids_lists_what_it_has(tmp_path: Path) -> None:
    labels = written(tmp_path / "l.csv", pl.DataFrame({"name": [1], "sick": [0]}))
    with pytest.raises(SpecError, match=r"no column .image.; it has name, sick: say labels\.key"):
        read_labels(labels, StorageSettings())


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"PAR1 and then nothing", "a Parquet file that cannot be read"),
        (b"", "it is empty"),
        (b"image,sick\n", "a header and no row"),
        (b"image,sick\n\xff,1\n", "line 2 is not UTF-8"),
        (b"image,sick\n1,2,3\n", "line 2 has 3 fields, and the header has 2"),
        (b"PK\x03\x04", "is a zip or Excel file"),
        (b"image;sick\n1;2\n", "separated by ';': separate them by a comma, or say labels.delimiter"),
        (b"image,sick,sick\n1,2,2\n", "input.labels has two columns 'sick'"),
        (b"image,label.row\n1,2\n", "kept for row numbers: rename it"),
    ],
)
def test_what_is_no_table_is_said(tmp_path: Path, body: bytes, says: str) -> None:
    (tmp_path / "l.csv").write_bytes(body)
    with pytest.raises(SpecError, match=says):
        read_labels(Labels(uri=str(tmp_path / "l.csv"), key="image"), StorageSettings())


@pytest.mark.parametrize(
    ("second", "says"), [("1,0", "different things: keep the row that is right"), ("1,1", "the same: keep one row")]
)
def test_an_id_of_two_rows_is_refused_and_it_is_said_whether_they_differ(
    tmp_path: Path, second: str, says: str
) -> None:
    (tmp_path / "l.csv").write_text(f"image,sick\n0,0\n1,1\n{second}\n")
    with pytest.raises(SpecError, match=rf"2 rows of 3 have an id .* \(first: row 2, 3\): they say {says}"):
        read_labels(Labels(uri=str(tmp_path / "l.csv"), key="image"), StorageSettings())


def test_ids_that_became_decimals_on_their_way_are_whole_numbers_again(tmp_path: Path) -> None:
    ids = pl.Series("image", [17.0, 2.5, 3e300])
    table, _ = read_labels(written(tmp_path / "l.parquet", pl.DataFrame([ids])), StorageSettings())
    assert table["image"].to_list() == ["17", "2.5", "3e+300"]


def test_categories_are_the_text_that_they_stand_for(tmp_path: Path) -> None:
    own = pl.Series("sick", ["yes", "no", None], dtype=pl.Categorical)
    labels = written(tmp_path / "l.parquet", pl.DataFrame([pl.Series("image", ["a", "b", "c"]), own]))
    table, _ = read_labels(labels, StorageSettings())
    assert (table["sick"].dtype, table["sick"].to_list()) == (pl.String(), ["yes", "no", None])


def test_a_column_of_ids_that_holds_lists_is_refused(tmp_path: Path) -> None:
    labels = written(tmp_path / "l.parquet", pl.DataFrame({"image": [["a"], ["b"]]}))
    with pytest.raises(SpecError, match=r"labels\.key: column 'image' is of type List\(String\)"):
        read_labels(labels, StorageSettings())


def test_rows_are_joined_to_labels_by_ids_of_other_types_and_keep_their_own_columns() -> None:
    rows = pl.DataFrame({"id": [1.0, 2.0], "sex": ["F", "M"]})
    labels = pl.DataFrame({"key": ["2"], "sex": ["x"], "sick": [1]})
    found = with_labels(rows, "id", labels, "key")
    assert found.select("id", "sex", "key", "sick").rows() == [("1", "F", None, None), ("2", "M", "2", 1)]
