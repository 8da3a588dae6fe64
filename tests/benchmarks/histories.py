"""The histories that the contestants on events score: a MEDS dataset with long-tailed lengths and Zipf's codes."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

CODES = 5_000
MEAN_EVENTS = 100
LONGEST = 10_000
SPREAD = 1.2
"""Standard deviation of the logarithm of a history's length: half have fewer than 49 events, a hundredth over 800."""
FILE_SUBJECTS = 10_000
GROUP_ROWS = 131_072
LABELS = "labels"
_FIRST_SECOND = 1_262_336_400
"""2010-01-01 09:00."""


@dataclass(frozen=True)
class Dataset:
    """Root of a MEDS dataset, and a label table with each subject's last event as its prediction time."""

    root: Path
    labels: Path
    codes: Path
    subjects: int
    events: int


def dataset(folder: Path, subjects: int) -> Dataset:
    """Made once and kept in `folder`. The same every time."""
    made = folder / f"meds-{subjects}"
    if not made.is_dir():
        unfinished = folder / f"{made.name}.part"
        shutil.rmtree(unfinished, ignore_errors=True)
        _write(unfinished, subjects)
        unfinished.rename(made)
    events = sum(pq.read_metadata(path).num_rows for path in data_files(made))
    codes = made / "metadata" / "codes.parquet"
    return Dataset(made, made.parent / f"{made.name}-{LABELS}", codes, subjects, events)


def data_files(root: Path) -> list[Path]:
    """Data files of the dataset, in order of their subjects."""
    return sorted((root / "data").rglob("*.parquet"))


def code_name(rank: int) -> str:
    """The code of a rank in Zipf's order, as MEDS writes them."""
    return f"{('DIAGNOSIS//ICD10CM', 'LAB', 'MEDICATION//RXNORM', 'PROCEDURE//CPT')[rank % 4]}//{10_000 + rank}"


def lengths_of(subjects: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Log-normal with the mean that is wanted, at least 1."""
    drawn = np.exp(rng.normal(np.log(MEAN_EVENTS) - SPREAD**2 / 2, SPREAD, subjects))
    return np.clip(np.round(drawn * subjects * MEAN_EVENTS / drawn.sum()), 1, LONGEST).astype(np.int64)


def _write(folder: Path, subjects: int) -> None:
    rng = np.random.default_rng(0)
    lengths = lengths_of(subjects, rng)
    names = pa.array([code_name(rank) for rank in range(CODES)])
    shares = np.cumsum(1 / np.arange(1, CODES + 1))
    (folder / "data" / "train").mkdir(parents=True)
    (folder / "metadata").mkdir()
    pq.write_table(pa.table({"code": names, "description": names}), folder / "metadata" / "codes.parquet")
    (folder / "metadata" / "dataset.json").write_text(json.dumps({"dataset_name": "bench", "meds_version": "0.4.1"}))
    ends = []
    for start in range(0, subjects, FILE_SUBJECTS):
        part = lengths[start : start + FILE_SUBJECTS]
        rank = np.searchsorted(shares, rng.random(part.sum()) * shares[-1]).astype(np.int32)
        time = _times(part, rng)
        value = np.where(rank % 4 == 1, rng.normal(size=len(rank)), np.nan).astype(np.float32)
        table = pa.table(
            {
                "subject_id": np.repeat(np.arange(start, start + len(part)) + 1, part),
                "time": pa.array(time, pa.timestamp("us")),
                "code": pa.DictionaryArray.from_arrays(rank, names),
                "numeric_value": pa.array(value, from_pandas=True),
            }
        )
        path = folder / "data" / "train" / f"{start // FILE_SUBJECTS:03d}.parquet"
        pq.write_table(table, path, row_group_size=GROUP_ROWS, store_schema=False)
        ends.append(time[np.cumsum(part) - 1])
    _write_labels(folder.parent / f"{folder.name.removesuffix('.part')}-{LABELS}", np.concatenate(ends), rng)


def _times(lengths: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Microseconds, in order within a subject: a few events a moment, days between moments."""
    gaps = rng.exponential(40_000, lengths.sum()).astype(np.int64) * (rng.random(lengths.sum()) < 0.4)
    total = np.cumsum(gaps)
    first = np.cumsum(lengths) - lengths
    return np.asarray((_FIRST_SECOND + total - np.repeat(total[first], lengths)) * 1_000_000, np.int64)


def _write_labels(folder: Path, ends: NDArray[np.int64], rng: np.random.Generator) -> None:
    folder.mkdir(exist_ok=True)
    table = pa.table(
        {
            "subject_id": np.arange(len(ends)) + 1,
            "prediction_time": pa.array(ends, pa.timestamp("us")),
            "boolean_value": rng.random(len(ends)) < 0.1,
        }
    )
    pq.write_table(table, folder / "0.parquet")
