"""What a pool and its workers say to each other. Knows neither Ray nor torch nor medicine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Mode = Literal["normal", "alone", "isolate"]
"""`alone`: nothing else is in the worker. `isolate`: score in child processes, halving what kills them."""


@dataclass(frozen=True)
class ShardTask:
    """One shard to score and commit. `sample` is not empty: score those rows of the plan, commit nothing."""

    shard: int
    mode: Mode = "normal"
    sample: tuple[int, ...] = ()


@dataclass(frozen=True)
class ShardReport:
    """What became of one task.

    `committed`: this worker published it. `adopted`: another had, with the same fingerprint.
    `sampled`: a task with `sample`. `failed`: `error` says why; `retryable` whether trying again can help
    (infrastructure) or the run must stop (a refusal, a bug). `exit_code` is that of the error.
    """

    shard: int
    outcome: Literal["committed", "adopted", "sampled", "failed"]
    statuses: Mapping[str, int] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By status in each of several models."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    rows: int = 0
    error: str = ""
    error_type: str = ""
    retryable: bool = False


@dataclass(frozen=True)
class WorkerPoll:
    """State of a worker now. `done` holds each report once. `wants` is how many more shards it would take.

    `running` are the shards in hand, oldest first; `records_done` counts records forwarded since start. `stalled`: it
    computes and finishes nothing, so that a record of the oldest shard may never end.
    """

    ready: bool
    done: Sequence[ShardReport] = ()
    running: Sequence[int] = ()
    wants: int = 0
    records_done: int = 0
    info: Mapping[str, Any] = field(default_factory=dict)
    stalled: bool = False


class Worker(Protocol):
    """Scores shards in threads of its own. Every method returns at once."""

    def offer(self, task: ShardTask) -> None:
        """Queue one task."""

    def poll(self) -> WorkerPoll:
        """Reports since the last poll, and the state now."""

    def cancel(self, shard: int) -> None:
        """Forget a shard: it is not needed any more. It may still be reported."""

    def close(self) -> None:
        """Stop the threads and children; unfinished shards are dropped, never half written."""


class WorkerFactory(Protocol):
    """Builds a worker in the process where it is to run; named by dotted path `module:function`."""

    def __call__(self, job: Mapping[str, Any], cpus: float, gpus: float) -> Worker:
        """`job` is plain JSON. `gpus` > 0: the process may see GPUs through CUDA_VISIBLE_DEVICES."""
