"""Cut a stream of records into shards that never separate a subject, or another whole, from itself."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def shards_of_subjects(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, size: int, column: str = "subject_id"
) -> Iterator[pa.Table]:
    """Shards of at most `size` records; of more only where one subject alone has them.

    A subject is what has one value in `column`; its records must be neighbours. What comes out does not depend on how
    the batches are cut. Holds a shard and a batch.
    """
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows > size:
            table = pa.Table.from_batches(held, schema)
            start = 0
            for end in _ends(_borders(table[column]), rows, size):
                yield table.slice(start, end - start)
                start = end
            held = table.slice(start).to_batches()
            rows -= start
    if rows:
        yield pa.Table.from_batches(held, schema)


def _borders(subjects: pa.ChunkedArray) -> NDArray[np.int64]:
    """Places where another subject begins; records without a subject belong to nobody."""
    ids = subjects.combine_chunks()
    differs = pc.fill_null(pc.not_equal(ids.slice(1), ids.slice(0, len(ids) - 1)), True)
    return np.flatnonzero(differs.to_numpy(zero_copy_only=False)) + 1


def _ends(borders: NDArray[np.int64], rows: int, size: int) -> Iterator[int]:
    """Ends of the shards that no later record can change."""
    start = 0
    while start + size < rows:
        later = int(np.searchsorted(borders, start + size, side="right"))
        if later and borders[later - 1] > start:
            start = int(borders[later - 1])
        elif later < len(borders):
            start = int(borders[later])
        else:
            return
        yield start
