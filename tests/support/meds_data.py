"""Small datasets in MEDS, written with the schemas of the `meds` package."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import meds
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

CODES = ("LAB//glucose", "LAB//sodium", "DIAGNOSIS//I10", "DRUG//aspirin", "ENCOUNTER_START//IP", "ENCOUNTER_END//IP")
FIRST_DAY = datetime(2019, 1, 1)


def events(subjects: Sequence[int], seed: int = 0, mean_events: int = 12) -> pl.DataFrame:
    """Rows of these subjects: a birth, a static row, then events of some days, one in five at midnight."""
    random = np.random.default_rng(seed)
    parts = []
    for subject in subjects:
        count = int(random.integers(0, 2 * mean_events))
        days = np.sort(random.integers(0, 1500, count))
        seconds = np.where(random.random(count) < 0.2, 0, random.integers(0, 86_400, count))
        times = sorted(FIRST_DAY + timedelta(days=int(d), seconds=int(s)) for d, s in zip(days, seconds, strict=True))
        birth = FIRST_DAY - timedelta(days=int(random.integers(0, 20_000)))
        parts.append(
            {
                "subject_id": [subject] * (count + 2),
                "time": [None, birth, *times],
                "code": ["GENDER//F", "MEDS_BIRTH", *random.choice(CODES, count).tolist()],
                "numeric_value": [None, None, *np.where(random.random(count) < 0.5, None, random.normal(size=count))],
            }
        )
    columns = {name: [value for part in parts for value in part[name]] for name in parts[0]}
    schema = {"subject_id": pl.Int64, "time": pl.Datetime("us"), "code": pl.String, "numeric_value": pl.Float32}
    return pl.DataFrame(columns, schema=schema, strict=False)


def write_file(path: Path, rows: pl.DataFrame, row_group: int = 100_000) -> None:
    """One data file, aligned and validated by the `meds` package."""
    table = meds.DataSchema.align(rows.to_arrow())
    meds.DataSchema.validate(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=row_group)


def write_dataset(root: Path, files: Sequence[pl.DataFrame], row_group: int = 100_000, version: str = "0.4.1") -> Path:
    """`data/0.parquet`, `data/1.parquet`, ... and the metadata."""
    for place, rows in enumerate(files):
        write_file(root / "data" / f"{place}.parquet", rows, row_group)
    about = root / "metadata" / "dataset.json"
    about.parent.mkdir(parents=True, exist_ok=True)
    about.write_text(json.dumps({"dataset_name": "test", "meds_version": version}))
    return root


def write_labels(path: Path, rows: Sequence[tuple[int, datetime]], **columns: Sequence[object]) -> Path:
    """A table in the MEDS label schema."""
    data = {"subject_id": [subject for subject, _ in rows], "prediction_time": [when for _, when in rows], **columns}
    types = {"subject_id": pa.int64(), "prediction_time": pa.timestamp("us")}
    table = pa.table({name: pa.array(values, types.get(name)) for name, values in data.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return path


def break_column(path: Path, group: int, column: str) -> None:
    """Overwrite one column of one row group with bytes that mean nothing."""
    metadata = pq.read_metadata(path)
    chunk = metadata.row_group(group).column(metadata.schema.to_arrow_schema().get_field_index(column))
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    body = bytearray(path.read_bytes())
    body[start : start + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    path.write_bytes(body)
