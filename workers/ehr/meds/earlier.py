"""What earlier stages of the run committed, as driver and workers read it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pyarrow.parquet as pq

from cluster.storage import Store
from workers.ehr.meds.layout import SUBJECTS
from workers.finished_runs.stage import FinishedStage, stage_at
from workers.reading.parquet_bounds import parquet_file

_READS = 16


def event_keys(read: FinishedStage) -> list[str]:
    """Every object with events in it, in the order of the source."""
    rows = read.all_rows(["part_events", "event_keys"]).to_pylist()
    parts = (part for row in rows for part in zip(row["part_events"], row["event_keys"], strict=True))
    return [key for count, key in parts if count]


def ranks_at(store: Store) -> dict[str, int]:
    """Ids that share their slot with another, from stage `subjects`."""
    found = stage_at(store, SUBJECTS).all_rows(["shared"])["shared"].to_pylist()
    return {item["subject"]: item["rank"] for row in found for item in row if item["rank"]}


class EventParts:
    """All events of a run, by ranges of hash slots. Safe to use from one thread."""

    def __init__(self, store: Store, keys: Sequence[str]) -> None:
        self._store = store
        self._keys = keys
        self._pool = ThreadPoolExecutor(_READS)
        self._bounds: dict[str, list[tuple[int, int]]] = {}

    def between(self, low: int, high: int, columns: Sequence[str]) -> pl.DataFrame:
        """Events whose hash slot is at least `low` and below `high`; `slot` is among `columns`."""
        frames = list(self._pool.map(lambda key: self._of_one(key, low, high, columns), self._keys))
        kept = [frame for frame in frames if frame is not None and frame.height]
        return pl.concat(kept) if kept else pl.DataFrame()

    def _of_one(self, key: str, low: int, high: int, columns: Sequence[str]) -> pl.DataFrame | None:
        known = self._bounds.get(key)
        if known is not None and not any(least < high and most >= low for least, most in known):
            return None
        # The footer of each object is read again where a range is needed: thousands of them would fill the memory.
        file = parquet_file(self._store.open_reader(key))
        if known is None:
            known = self._bounds[key] = [_bounds(file.metadata.row_group(n)) for n in range(file.num_row_groups)]
        wanted = [number for number, (least, most) in enumerate(known) if least < high and most >= low]
        if not wanted:
            return None
        frame = pl.from_arrow(file.read_row_groups(wanted, columns=list(columns), use_threads=False))
        assert isinstance(frame, pl.DataFrame)
        return frame.filter(pl.col("slot") >= low, pl.col("slot") < high)

    def close(self) -> None:
        """Stop reading."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _bounds(group: pq.RowGroupMetaData) -> tuple[int, int]:
    statistics = group.column(0).statistics
    return statistics.min, statistics.max
