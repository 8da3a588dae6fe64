"""Frames as Parquet, encoded so that equal frames give equal bytes."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from workers.engine.rowtable import stamp


def encode(frame: pl.DataFrame, fingerprint: str, row_group: int = 1 << 18) -> bytes:
    """Parquet of a frame that says whose it is."""
    sink = pa.BufferOutputStream()
    pq.write_table(stamped(frame, fingerprint), sink, compression="zstd", row_group_size=row_group)
    return bytes(sink.getvalue())


def stamped(frame: pl.DataFrame, fingerprint: str) -> pa.Table:
    """The frame as Arrow, with a run's fingerprint."""
    return stamp(frame.to_arrow(compat_level=pl.CompatLevel.oldest()), fingerprint)
