"""What the dispatcher and a place where workers run say to each other. Knows neither Ray nor a worker's work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pydantic import Field, model_validator

from schemas.frozen import Frozen
from schemas.work import ShardReport, ShardTask, WorkerPoll

LostKind = Literal["own_signal", "node", "killed", "oom", "start"]
"""Why a worker is gone.

`own_signal`: its process ended on a node that lives on; the only kind that can be a shard's fault.
`node`: its node went. `oom`: Ray's memory monitor ended it. `killed`: somebody asked Ray to end it.
`start`: the worker could not be built.
"""

Stop = Literal["no", "drain", "abort"]
"""What the caller wants: go on, finish what is in hand, or end at once."""


class WorkerLost(Exception):
    """A worker is gone, with all that was in its hands. `error_type` names what its factory raised, if it did."""

    def __init__(self, kind: LostKind, detail: str = "", error_type: str = "") -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind: LostKind = kind
        self.detail = detail
        self.error_type = error_type


class Handle(Protocol):
    """One worker, wherever it is. No method waits."""

    name: str

    def offer(self, task: ShardTask) -> None:
        """Hand over a task."""

    def poll(self) -> WorkerPoll | None:
        """The worker's state, or None while there is no news. Raises WorkerLost when it is gone, and the worker's own
        error (rebuilt, or WardroundError) if one of its methods raised: a fault in the program, not in a shard."""

    def cancel(self, shard: int) -> None:
        """Tell the worker that a shard is not needed any more."""

    def close(self) -> None:
        """Ask the worker to end; `closed` tells when it has."""

    def closed(self) -> bool:
        """Whether the worker has ended after `close` or `kill`."""

    def kill(self) -> None:
        """End the worker now, whatever it does."""


class Host(Protocol):
    """A place that can start workers."""

    def spawn(self) -> Handle:
        """Ask for one more worker. It may never come: `pending_reason` says why."""

    def pending_reason(self) -> str:
        """What each worker asks for, what there is, what is free: for the message when workers do not come."""

    def wait(self, timeout_s: float) -> None:
        """Sleep until a worker may have news, at most `timeout_s`."""


class PoolSettings(Frozen):
    """How many workers, how long to wait for what, and how often to try again. Times are seconds."""

    min_workers: int = Field(1, ge=1)
    max_workers: int = Field(1, ge=1)
    max_starting: int = Field(8, ge=1, description="workers asked for and not ready, above the minimum")
    start_timeout_s: float = Field(600.0, gt=0, description="for the minimum of workers to be ready")
    max_start_failures: int = Field(3, ge=1, description="consecutive workers that failed to start")
    max_deaths: int = Field(24, ge=1, description="consecutive workers that died over shards, without any progress")
    restarts: int | None = Field(
        None,
        ge=0,
        description="of a shard that goes on where it was when its worker died; None: it is suspect",
    )
    shard_deadline_s: float | None = Field(None, gt=0, description="for the oldest shard in a worker")
    isolate_deadline_factor: float = Field(16.0, ge=1, description="a shard in isolation is scored piece by piece")
    unresponsive_s: float = Field(30.0, gt=0, description="without an answer: its shards may be scored elsewhere too")
    mute_s: float | None = Field(None, gt=0, description="without an answer, with shards in hand: the worker is ended")
    hedge: bool = True
    hedge_factor: float = Field(3.0, ge=1, description="times the median shard, after which an idle worker gets a copy")
    hedge_min_s: float = Field(2.0, ge=0, description="and at least so long")
    max_infrastructure_failures: int = Field(8, ge=1, description="consecutive, without any progress between")
    backoff_s: float = Field(1.0, ge=0)
    max_backoff_s: float = Field(60.0, ge=0)
    elsewhere_interval_s: float = Field(30.0, gt=0, description="between looks at what other drivers committed")
    poll_interval_s: float = Field(0.05, gt=0)
    close_timeout_s: float = Field(10.0, ge=0, description="for a worker to end by itself before it is killed")

    @model_validator(mode="after")
    def _in_order(self) -> PoolSettings:
        if self.max_workers < self.min_workers:
            raise ValueError(f"max_workers {self.max_workers} is less than min_workers {self.min_workers}")
        return self


@dataclass(frozen=True)
class Progress:
    """How far a dispatch is. Counts of shards, except `records_done` (forwarded) and the workers."""

    total: int
    done: int
    failed: int
    running: int
    suspects: int
    records_done: int
    workers_ready: int
    workers_starting: int
    elapsed_s: float
    info: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What each worker last said of itself, by name."""
    trouble: str = ""
    """The failure of storage or cluster that is being tried again, while nothing else succeeds."""


@dataclass(frozen=True)
class DispatchResult:
    """How a dispatch ended.

    `failed` are the shards that killed every worker they met. `elsewhere` were committed by another driver and have
    no report. `lost` counts the workers that were lost, by kind; deadlines count as `deadline`.
    """

    outcome: Literal["complete", "drained", "aborted"]
    total: int
    done: int
    failed: Sequence[ShardReport] = ()
    elsewhere: Sequence[int] = ()
    lost: Mapping[str, int] = field(default_factory=dict)
    workers_started: int = 0
    elapsed_s: float = 0.0
