"""Batches of Parquet files whose dictionaries stand for more than fits into memory."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import open_store
from workers.reading import parquet_bounds
from workers.reading.parquet import open_parquet, parquet_batches
from workers.reading.parquet_bounds import BoundedParquet, parquet_file, parquet_table

LONG = "x" * (24 << 20)


def write(path: Path, values: Sequence[str], indices: Sequence[int], **options: object) -> Path:
    column = pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), pa.array(values))
    table = pa.table({"text": column, "n": pa.array(range(len(indices)))})
    pq.write_table(table, path, compression="zstd", dictionary_pagesize_limit=1 << 30, store_schema=False, **options)
    return path


def test_a_few_bytes_that_stand_for_a_terabyte_are_read_in_short_batches(tmp_path: Path) -> None:
    path = write(tmp_path / "bomb.parquet", [LONG, "short"], [0, 1] * 20_000)
    assert path.stat().st_size < 200_000
    file = open_parquet(open_store(str(tmp_path)), "bomb.parquet")
    batches = parquet_batches(file, ["text", "n"], 65_536, "bomb.parquet")
    first = next(batches)
    assert 0 < first.num_rows <= (512 << 20) // len(LONG)
    assert [len(value) for value in first.column("text").to_pylist()[:2]] == [len(LONG), 5]
    assert next(batches).column("n")[0].as_py() == first.num_rows


def test_a_column_that_is_not_read_makes_no_batch_shorter(tmp_path: Path) -> None:
    path = write(tmp_path / "bomb.parquet", [LONG, "short"], [0, 1] * 2_000)
    assert [batch.num_rows for batch in BoundedParquet(path.open("rb", buffering=0)).iter_batches(columns=["n"])] == [
        4000
    ]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "brotli", "none"])
def test_what_fits_comes_as_pyarrow_gives_it(tmp_path: Path, compression: str, version: str) -> None:
    path = tmp_path / "t.parquet"
    values = ["a" * (number % 700) for number in range(30_000)]
    table = pa.table({"text": values, "lists": [[value, "b"] for value in values]})
    pq.write_table(table, path, compression=compression, data_page_version=version, row_group_size=7_000)
    ours = list(BoundedParquet(path.open("rb", buffering=0)).iter_batches(9_000))
    assert [batch.num_rows for batch in ours] == [9_000, 9_000, 9_000, 3_000]
    assert pa.Table.from_batches(ours).equals(table)


def test_lists_that_stand_for_more_than_can_be_read_are_damage(tmp_path: Path) -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 3_000, pa.int32()), pa.array([LONG]))
    lists = pa.ListArray.from_arrays(pa.array([0, 3_000], pa.int32()), column)
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"text": lists}), path, compression="zstd", dictionary_pagesize_limit=1 << 30)
    with pytest.raises(pa.ArrowInvalid):
        next(iter(BoundedParquet(path.open("rb", buffering=0)).iter_batches()))


class Watched(io.BytesIO):
    """Remembers which threads read of it."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.threads: set[int] = set()

    def read(self, size: int | None = -1) -> bytes:
        self.threads.add(threading.get_ident())
        return super().read(size)


@pytest.mark.parametrize(
    "read",
    [
        parquet_table,
        lambda file: next(parquet_file(file).iter_batches(10, use_threads=False)),
        lambda file: next(BoundedParquet(file).iter_batches(10, use_threads=False)),
    ],
)
def test_no_thread_of_arrow_reads_a_file_of_ours(read: Callable[[Any], object]) -> None:
    # One that lets go of it while the interpreter ends aborts the process, by chance.
    sink = io.BytesIO()
    pq.write_table(pa.table({f"c{n}": range(1000) for n in range(8)}), sink, row_group_size=100)
    file = Watched(sink.getvalue())
    read(file)
    assert file.threads == {threading.get_ident()}


def test_every_file_of_ours_is_opened_where_no_thread_of_arrow_reads_it() -> None:
    root = Path(parquet_bounds.__file__).parents[2]
    opened = re.compile(r"pq\.(?:ParquetFile|read_table|ParquetDataset)\((?!path|directory|codes)")
    homes = {
        path.relative_to(root).as_posix()
        for folder in ("jobs", "workers", "cluster", "schemas")
        for path in (root / folder).rglob("*.py")
        if opened.search(path.read_text(encoding="utf-8"))
    }
    assert homes == {"workers/reading/parquet_bounds.py"}
