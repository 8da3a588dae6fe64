from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import SpecError
from workers.genomics.scores.parquet import ParquetTable, is_parquet


def put(folder: Path, columns: dict[str, Any], told: dict[str, str] | None = None) -> Path:
    path = folder / "score.parquet"
    pq.write_table(pa.table(columns).replace_schema_metadata(told), path)
    return path


def test_numbers_come_as_the_text_that_gives_them_again_and_empty_text_as_nothing(tmp_path: Path) -> None:
    columns = {
        "chr": pa.array([1, 2, None], pa.int32()),
        "pos": pa.array([5, 6, 7]),
        "a1": ["A", ' "C" ', ""],
        "weight": pa.array([0.1, 1e-12, None]),
    }
    (frame,) = ParquetTable(put(tmp_path, columns)).pieces()
    assert frame.select("0", "1", "2").rows() == [("1", "5", "A"), ("2", "6", "C"), (None, "7", None)]
    assert [None if text is None else float(text) for text in frame["3"]] == [0.1, 1e-12, None]


def test_a_float32_weight_is_the_float64_that_it_is(tmp_path: Path) -> None:
    columns = {"id": ["r"], "a1": ["A"], "weight": pa.array([0.1], pa.float32())}
    (frame,) = ParquetTable(put(tmp_path, columns)).pieces()
    assert float(frame["2"][0]) == 0.10000000149011612


def test_metadata_of_the_file_say_what_a_header_would(tmp_path: Path) -> None:
    columns = {"id": ["r"], "a1": ["A"], "weight": [1.0]}
    table = ParquetTable(put(tmp_path, columns, {"pgs_id": "PGS7", "genome_build": "hg38"}))
    assert (table.top.header.accession, table.top.header.build) == ("PGS7", "GRCh38")


def test_a_file_that_is_cut_off_or_holds_lists_is_told_by_its_name(tmp_path: Path) -> None:
    path = put(tmp_path, {"id": ["r"], "a1": ["A"], "weight": pa.array([[1.0, 2.0]])})
    with pytest.raises(SpecError, match=r"score\.parquet: .*neither text nor numbers"):
        list(ParquetTable(path).pieces())
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(SpecError, match=r"score\.parquet: cannot be read as Parquet"):
        ParquetTable(path)


def test_a_file_is_parquet_by_what_it_begins_with_and_not_by_its_name(tmp_path: Path) -> None:
    assert is_parquet(put(tmp_path, {"id": ["r"]}).rename(tmp_path / "score.txt"))
    (tmp_path / "text.parquet").write_text("id\ta1\n")
    assert not is_parquet(tmp_path / "text.parquet")
    with pytest.raises(SpecError, match="cannot be read"):
        is_parquet(tmp_path / "none.parquet")
