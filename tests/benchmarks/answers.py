"""Hold what a contestant wrote to the plain network's answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tests.benchmarks.images import read_some, record_id
from tests.benchmarks.network import OUTPUTS, decode_batch, network, score

TOLERANCE = 1e-5
SAMPLE = 64

Scores = NDArray[np.float32]


class WrongAnswer(Exception):
    """A contestant left records out, doubled them, or scored them otherwise than the network does."""


def expected(images: Path) -> dict[str, Scores]:
    """Scores of a sample of records by the plain network, one record at a time."""
    model = network()
    return {name: score(model, decode_batch([png]))[0] for name, png in read_some(images, SAMPLE).items()}


def check(found: Mapping[str, Scores], records: int, wanted: Mapping[str, Scores]) -> float:
    """Largest difference on the sample. Raises WrongAnswer unless every record is there and the sample is right."""
    missing = sum(record_id(row) not in found for row in range(records))
    if missing or len(found) != records:
        raise WrongAnswer(f"{len(found)} distinct records, {missing} of the {records} are missing")
    worst = max(float(np.abs(found[name] - scores).max()) for name, scores in wanted.items())
    if not worst <= TOLERANCE:
        raise WrongAnswer(f"scores differ from the plain network's by {worst:.2g}, allowed is {TOLERANCE}")
    return worst


def read_lists(folder: Path) -> dict[str, Scores]:
    """Output of Ray Data and Daft: columns `id` and `p`, a list of 14 scores."""
    tables = [pq.read_table(path) for path in sorted(folder.rglob("*.parquet"))]
    return _by_id([(table["id"], _matrix(table["p"])) for table in tables])


def read_columns(folder: Path) -> dict[str, Scores]:
    """Our output: `record_id`, `status`, and a column a score."""
    tables = [pq.read_table(path) for path in sorted(folder.glob("*.parquet"))]
    if any(set(table["status"].to_pylist()) != {"ok"} for table in tables):
        raise WrongAnswer("some records are not ok")
    names = [f"score_{output:02d}" for output in range(OUTPUTS)]
    return _by_id(
        [(table["record_id"], np.stack([table[name].to_numpy() for name in names], axis=1)) for table in tables]
    )


def _by_id(parts: list[tuple[pa.ChunkedArray, Scores]]) -> dict[str, Scores]:
    pairs = [pair for ids, rows in parts for pair in zip(ids.to_pylist(), rows, strict=True)]
    found = dict(pairs)
    if len(found) != len(pairs):
        raise WrongAnswer(f"{len(pairs) - len(found)} records were written twice")
    return found


def _matrix(column: pa.ChunkedArray) -> Scores:
    rows = [chunk.storage if isinstance(chunk, pa.ExtensionArray) else chunk for chunk in column.chunks]
    values = [np.asarray(_flat(item), np.float32) for chunk in rows for item in chunk.to_pylist()]
    return np.stack(values) if values else np.zeros((0, OUTPUTS), np.float32)


def _flat(item: object) -> object:
    """Ray's tensor of variable shape is a struct of data and shape."""
    return item["data"] if isinstance(item, dict) else item
