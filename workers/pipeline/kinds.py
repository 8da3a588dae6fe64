"""The two kinds of stage that a collection can open in a worker."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from workers.finished_runs.side import SideObjectRef
from workers.pipeline.reading import Reader
from workers.pipeline.scoring import ShardScoring


@dataclass(frozen=True)
class RecordStage:
    """Records are read and prepared ahead, then scored one by one or in batches: `PipelineWorker` runs it.

    `load` is called once, in the thread that scores, while the first shard is already being read.
    """

    reader: Reader
    load: Callable[[], ShardScoring]


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


@runtime_checkable
class TellsOfItself(Protocol):
    """A stage that takes long over a shard, and knows its own steps."""

    def info(self) -> Mapping[str, Any]:
        """Figures for progress; `said` is for the person who waits."""

    def is_stalled(self) -> bool:
        """Whether what it computes may never end."""
