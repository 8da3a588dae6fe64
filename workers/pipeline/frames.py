"""Frames as side objects in Parquet: equal frames give equal bytes, which say whose run they are of."""

from collections.abc import Sequence

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from cluster.storage import Store
from workers.pipeline.rowtable import stamp
from workers.reading.parquet_bounds import parquet_table

_ROW_GROUP = 1 << 20


def encode_frame(
    frame: pl.DataFrame,
    fingerprint: str,
    *,
    row_group: int = _ROW_GROUP,
    compression: str = "zstd",
    dictionary: bool | Sequence[str] = True,
) -> bytes:
    """Parquet of a frame. `dictionary`: the columns that get one of their values."""
    return encode_table(stamped(frame, fingerprint), row_group, compression, dictionary)


def encode_table(
    table: pa.Table, row_group: int = _ROW_GROUP, compression: str = "zstd", dictionary: bool | Sequence[str] = True
) -> bytes:
    """Parquet of a table that is stamped already."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression=compression, row_group_size=row_group, use_dictionary=dictionary)
    return bytes(sink.getvalue())


def stamped(frame: pl.DataFrame, fingerprint: str) -> pa.Table:
    """The frame as Arrow, with a run's fingerprint."""
    # Views of strings, which polars gives, are not what every reader of Parquet knows.
    return stamp(frame.to_arrow(compat_level=pl.CompatLevel.oldest()), fingerprint)


def read_frame(store: Store, key: str) -> pl.DataFrame:
    """The whole of a side object that an earlier stage wrote."""
    return pl.DataFrame(pl.from_arrow(parquet_table(store.open_reader(key))))
