"""Records of collection `events` as a plan has them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pyarrow as pa

from cluster.storage import StorageSettings, open_store


def planned(root: Path, rows: pl.DataFrame, asked: list[tuple[int, datetime]]) -> pa.Table:
    """Records as the plan has them, of one data file."""
    places = rows.with_row_index("row").group_by("subject_id").agg(pl.col("row").min(), pl.len())
    start = {subject: (row, count) for subject, row, count in places.iter_rows()}
    info = next(iter(open_store(str(root), StorageSettings()).list("data/")))
    return pa.table(
        {
            "record_id": [f"{subject}@{when}" for subject, when in asked],
            "subject_id": [str(subject) for subject, _ in asked],
            "prediction_time": pa.array([when for _, when in asked], pa.timestamp("us")),
            "uri": [f"{root}/{info.key}"] * len(asked),
            "etag": [info.etag] * len(asked),
            "member": pa.array([start[s][0] if s in start else None for s, _ in asked], pa.int64()),
            "rows": pa.array([start[s][1] if s in start else 0 for s, _ in asked], pa.int64()),
        }
    )
