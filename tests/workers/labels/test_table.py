import gzip
from pathlib import Path

import polars as pl
import pytest

from cluster.storage import StorageSettings
from schemas.errors import RefusedError, SpecError
from workers.labels.settings import Labels
from workers.labels.table import planned_labels, read_labels


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


@pytest.mark.parametrize("body", [b"PAR1 and then nothing", b"image,sick\n\xff,1\n", b"image,sick\n1,2,3\n"])
def test_what_is_no_table_is_said(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "l.parquet").write_bytes(body)
    with pytest.raises(SpecError, match="cannot be read as Parquet or as CSV"):
        read_labels(Labels(uri=str(tmp_path / "l.parquet"), key="image"), StorageSettings())
