"""Batches in another order than they come in, in bounded memory: a distribution sort through the temporary folder."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc
from numpy.typing import NDArray

from schemas.temporary import room_for

Order = NDArray[np.int64]

_ROWS = 65_536
"""Rows of a part, which is put in order in memory."""
_PARTS = 256
"""Files that are open at a time: where there are more rows than these hold, parts are larger."""


def reordered(batches: Iterable[pa.RecordBatch], schema: pa.Schema, order: Order) -> Iterator[pa.RecordBatch]:
    """The rows of `batches` so that row number `i` of what comes out is row `order[i]` of what goes in.

    Holds a part of the rows and twice the order. Raises InfrastructureError where the temporary folder is full.
    """
    if np.array_equal(order, np.arange(len(order))):
        yield from batches
        return
    target = np.empty(len(order), np.int64)
    target[order] = np.arange(len(order))
    rows = max(_ROWS, -(-len(order) // _PARTS))
    with tempfile.TemporaryDirectory(prefix="wardround-order-") as folder, room_for("records put in order do"):
        _distribute(batches, schema, target, rows, Path(folder))
        for part in range(-(-len(order) // rows)):
            yield from _part(_path(Path(folder), part), target_start=part * rows)


def _path(folder: Path, part: int) -> Path:
    return folder / f"{part}.arrow"


def _distribute(batches: Iterable[pa.RecordBatch], schema: pa.Schema, target: Order, rows: int, folder: Path) -> None:
    """Each row into the file of its part, with its place in front."""
    placed = pa.schema([pa.field("place", pa.int64()), *schema])
    start = 0
    with ExitStack() as stack:
        writers: dict[int, ipc.RecordBatchStreamWriter] = {}
        for batch in batches:
            places = target[start : start + batch.num_rows]
            start += batch.num_rows
            parts = places // rows
            whole = pa.record_batch([pa.array(places), *batch.columns], schema=placed)
            for part in np.unique(parts).tolist():
                if part not in writers:
                    sink = stack.enter_context(pa.OSFile(str(_path(folder, part)), "wb"))
                    writers[part] = stack.enter_context(ipc.new_stream(sink, placed))
                writers[part].write_batch(whole.take(pa.array(np.flatnonzero(parts == part))))


def _part(path: Path, target_start: int) -> Iterator[pa.RecordBatch]:
    with pa.OSFile(str(path)) as source:
        table = ipc.open_stream(source).read_all()
    rows = np.empty(table.num_rows, np.int64)
    rows[table["place"].to_numpy() - target_start] = np.arange(table.num_rows)
    yield from table.drop_columns("place").take(pa.array(rows)).combine_chunks().to_batches()
