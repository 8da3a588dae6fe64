"""The actor around a worker, started by `cluster.pool.entry`. It runs where the worker runs.

It imports nothing heavy before the worker's factory does.

A Ray actor runs one method at a time, so no method waits: the worker is built in a thread and has threads of its own.
Driver and actor speak through one method, `exchange`, which may be repeated without harm: commands have numbers and are
carried out once, reports are kept until their number is acknowledged. So an answer that is lost on the way is not.
"""

import os
import threading
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from cluster.pool.factory import build
from schemas.errors import WardroundError
from schemas.extras import missing_extra
from schemas.without_pandas import keep_pandas_out
from schemas.work import ShardReport, ShardTask, Worker, WorkerPoll

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Command:
    """What the driver wants done, numbered from 1."""

    number: int
    kind: Literal["offer", "cancel"]
    task: ShardTask


@dataclass(frozen=True)
class Fault:
    """What went wrong in the worker: our own errors with their message, others by type and place only, since their
    text may hold what must not leave the worker."""

    error_type: str
    detail: str
    at_start: bool


@dataclass(frozen=True)
class Answer:
    """State of the actor after the commands. `poll.done` are the unacknowledged reports, `first` the first's number."""

    poll: WorkerPoll
    first: int
    pid: int
    node: str
    fault: Fault | None = None


class WorkerActor:
    """Holds one worker, on the node of this id."""

    def __init__(self, factory: str, job: Mapping[str, Any], cpus: float, gpus: float, node: str) -> None:
        _limit_process(cpus, gpus)
        self._make = (factory, job, cpus, gpus)
        self._node = node
        self._worker: Worker | None = None
        self._fault: Fault | None = None
        self._stopped = threading.Event()
        self._carried_out = 0
        self._reports: list[ShardReport] = []
        self._first = 1
        # The constructor has to return at once: Ray answers no question while it runs, and loading models takes
        # minutes.
        threading.Thread(target=self._build, name="worker-factory", daemon=True).start()

    def exchange(self, acknowledged: int, commands: Sequence[Command]) -> Answer:
        """Carry out what is new of the commands, forget the acknowledged reports, and say how things are."""
        # An old question may arrive late, and acknowledge what is forgotten already.
        seen = max(0, acknowledged - self._first + 1)
        self._reports, self._first = self._reports[seen:], self._first + seen
        poll = WorkerPoll(ready=False)
        worker = self._worker
        if worker is not None and self._fault is None:
            try:
                for command in commands:
                    self._carry_out(worker, command)
                poll = worker.poll()
            except Exception as error:  # noqa: BLE001 - reported to the driver, which ends the run with it
                self._fault = _fault(error, at_start=False)
        self._reports.extend(poll.done)
        # Everything unacknowledged, not only what is new: the answer before may have been lost.
        return Answer(replace(poll, done=tuple(self._reports)), self._first, os.getpid(), self._node, self._fault)

    def stop(self) -> None:
        """Close the worker. The last call."""
        self._stopped.set()
        if self._worker is not None:
            self._worker.close()

    def _carry_out(self, worker: Worker, command: Command) -> None:
        if command.number <= self._carried_out:
            return
        # Before it is tried: a command that raised must not be tried again with the next question.
        self._carried_out = command.number
        if command.kind == "offer":
            worker.offer(command.task)
        else:
            worker.cancel(command.task.shard)

    def _build(self) -> None:
        try:
            # pyarrow would spend half a second of every worker on importing it.
            keep_pandas_out()
            self._worker = build(*self._make)
        except BaseException as error:  # noqa: BLE001 - reported to the driver, which ends the run with it
            self._fault = _fault(error, at_start=True)
        # Linux tells children that asked to die with their parent when the THREAD that made them ends.
        self._stopped.wait()


def _limit_process(cpus: float, gpus: float) -> None:
    """Before any numeric library is loaded: as many threads as cores were given, and no GPU where none was."""
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(max(1, int(cpus)))
    if gpus == 0:
        # Empty, since libraries take an unset variable for all GPUs of the node.
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


def _fault(error: BaseException, *, at_start: bool) -> Fault:
    return Fault(*told(error), at_start)


def told(error: BaseException) -> tuple[str, str]:
    """The class of an error and what may be said of it: the message of one of ours, of others their type and place."""
    if isinstance(error, ModuleNotFoundError):
        error = missing_extra(error) or error
    kind = type(error).__name__
    if isinstance(error, WardroundError):
        return kind, str(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f"at {frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""
    module = f" (module {error.name!r})" if isinstance(error, ImportError) and error.name else ""
    return kind, f"{kind}{module} {where}"
