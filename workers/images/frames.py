"""From counted frames to a plan with one record a frame."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workers.runs.stage import FinishedStage


def frame_records(counted: FinishedStage) -> Iterator[pa.RecordBatch]:
    """The records of the next stage, from what the `headers` stage committed.

    `<object>#<frame>` for each frame. An object whose frames could not be counted stays one record under its own id
    and with frame 0, so that the next stage gives it a row with its status.
    """
    plan = counted.plan()
    for shard in range(counted.run.plan.shards):
        counts = pc.fill_null(counted.rows(shard, ["n_frames"])["n_frames"], 0).to_numpy()
        yield from _expand(plan.shard(shard), counts).to_batches()


def _expand(records: pa.Table, counts: np.ndarray) -> pa.Table:
    # An object without countable frames stays one record.
    repeats = np.maximum(counts, 1)
    source = np.repeat(np.arange(len(counts)), repeats)
    frames = np.arange(len(source)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    expanded = records.take(pa.array(source))
    counted = pa.array(counts[source] > 0)
    numbered = pc.binary_join_element_wise(expanded["record_id"], pa.array(frames).cast(pa.string()), "#")
    ids = pc.if_else(counted, numbered, expanded["record_id"])
    expanded = expanded.set_column(0, records.schema.field("record_id"), ids)
    return expanded.set_column(3, records.schema.field("member"), pa.array(frames, pa.int64()))
