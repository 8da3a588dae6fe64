"""The two kinds of stage that a collection can open in a worker."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from workers.finished_runs.side import SideObjectRef
from workers.pipeline.reading import Prepared, Reader
from workers.pipeline.rowtable import ShardRows


class Scoring(Protocol):
    """The device's side of a stage of records: takes what a reader prepared, fills `rows.models`.

    `device` is 'cpu' or 'cuda'; `seconds` the time in forward passes since the start, `core_seconds` the processor time
    of the calling thread in them. `is_tuned`: there is a measurement that is worth keeping, which `tuning` then gives
    as plain JSON by model.
    """

    device: str

    @property
    def seconds(self) -> float:
        """Seconds that all models together took."""

    @property
    def core_seconds(self) -> float:
        """Processor seconds that all models together took."""

    @property
    def held_bytes(self) -> int:
        """Inputs that were taken in and wait for more of their shard; they count against the byte budget."""

    @property
    def is_tuned(self) -> bool:
        """Whether all measuring is done."""

    def tuning(self) -> Mapping[str, Any]:
        """What was measured, by model."""

    def start(self, rows: ShardRows) -> None:
        """Begin a shard: set `rows.models` to one `ModelColumns` a model."""

    def score(self, rows: ShardRows, part: Sequence[Prepared]) -> None:
        """Take in a part as the reader gave it, in order. Adds its length to `rows.taken`.

        May hold inputs back until `finish`.
        """

    def finish(self, rows: ShardRows) -> float:
        """Score what still waits. Returns the seconds that the shard took on the device.

        Raises WardroundError if not every record came by.
        """


@dataclass(frozen=True)
class RecordStage:
    """Records are read and prepared ahead, then scored one by one or in batches: `PipelineWorker` runs it.

    `load` is called once, in the thread that scores, while the first shard is already being read.
    """

    reader: Reader
    load: Callable[[], Scoring]


@dataclass(frozen=True)
class SideObject:
    """An object that is written before the rows that vouch for it. `key` is relative to the run directory.

    The body has to be the same whoever makes it from the same shard. Where it is Parquet or JSON it should carry the
    run's fingerprint (`workers.pipeline.rowtable.stamp`), which is what proves it ours on a local disk.
    """

    key: str
    body: bytes


@dataclass(frozen=True)
class ShardTable:
    """The rows of a shard, in plan order and of the stage's schema (`workers.pipeline.rowtable.build_rows`).

    `side` is still to be written. A stage that makes more than it can hold writes side objects as they come
    (`workers.pipeline.publish.publish_side`) and names them in `vouched`.
    """

    table: pa.Table
    side: Sequence[SideObject] = ()
    vouched: Sequence[SideObjectRef] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Seconds by step, for the report."""
    core_seconds: float | None = None
    """Processor time of all threads that computed it; None: that of the thread that called `compute`."""


class ShardStage(Protocol):
    """A shard is worked on as a whole: `ShardWorker` runs it, one shard at a time, while the last one is committed."""

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """The rows of these planned records. What is wrong with a record is its status.

        Raises InfrastructureError where storage keeps failing.
        """

    def close(self) -> None:
        """Stop threads and children, if there are any; `compute` may be running in another thread."""
        return
