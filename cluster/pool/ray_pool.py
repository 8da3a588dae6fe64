"""Workers as Ray actors. Ray places, and a cluster's autoscaler adds nodes; retries are the dispatcher's."""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import ray
from pydantic import Field
from ray.actor import ActorHandle
from ray.exceptions import ActorUnavailableError, RayError

from cluster.pool.actor import Answer, Command, Fault
from cluster.pool.contract import WorkerLost
from cluster.pool.entry import WorkerEntry
from cluster.pool.failures import rebuild
from cluster.pool.losses import classify, describe_shortage, node_is_alive
from schemas.frozen import Frozen
from schemas.import_path import ROOT
from schemas.work import ShardTask, WorkerPoll

PACE_S = (0.05, 0.25)
"""Between two questions to one worker: while things change, and while they do not."""
PACE_PER_WORKER_S = 0.002
"""Many workers are asked less often each, so that the driver is not busy asking."""
UNAVAILABLE_PAUSE_S = 1.0
GRACE_S = 1.0
"""A process may die because its node is being switched off: wait so long for Ray to notice before blaming a shard."""
GATHER_S = 0.002
GROUP = "cluster.pool.train_group:run"
"""What runs a function in several processes together, for a worker whose shards are worked on so."""
_VERSION = version("wardround")


class WorkerResources(Frozen):
    """What one worker is given. `gpus` may be a fraction; `memory_bytes` 0: not reserved. `processes`: how many share
    it that work on one shard together, each a process of Ray Train, while the worker itself only waits."""

    cpus: float = Field(1.0, gt=0)
    gpus: float = Field(0.0, ge=0)
    memory_bytes: int = Field(0, ge=0)
    processes: int = Field(1, ge=1)


class RayHandle:
    """One actor. At most one question to it is on its way."""

    def __init__(self, name: str, actor: ActorHandle[Any], host: RayHost) -> None:
        self.name = name
        self._actor = actor
        self._host = host
        self._commands: list[Command] = []
        self._numbered = 0
        self._acknowledged = 0
        self._node = ""
        self._pace = PACE_S[0]
        self._ask_at = 0.0
        self._state: tuple[object, ...] = ()
        self._stopping: Any = None
        self._lost: tuple[WorkerLost, float] | None = None
        self._gone = False
        self._sent = 0
        self.question: Any = None
        self.answered = False
        self._ask()

    def offer(self, task: ShardTask) -> None:
        """Hand over a task, with the next question, which is asked soon."""
        self._command(Command(self._numbered + 1, "offer", task))

    def cancel(self, shard: int) -> None:
        """Tell the worker that a shard is not needed any more."""
        self._command(Command(self._numbered + 1, "cancel", ShardTask(shard)))

    def poll(self) -> WorkerPoll | None:
        """What the last question brought; None while there is no answer."""
        now = time.monotonic()
        self._confirm_loss(now)
        if self._lost is None and self.question is None and now >= self._ask_at:
            self._ask()
        if self._lost is not None or not self.answered:
            return None
        question, self.question, self.answered = self.question, None, False
        try:
            answer = ray.get(question)
        # The network may have failed for a moment: the actor lives on and keeps what is not acknowledged.
        except ActorUnavailableError:
            self._ask_at = now + UNAVAILABLE_PAUSE_S
            if self._node and not node_is_alive(self._node):
                self._lost = (WorkerLost("node", "the worker's node is lost"), now)
            return None
        except RayError as error:
            lost = classify(error)
            self._lost = (lost, now + GRACE_S if lost.kind == "own_signal" else now)
            self._confirm_loss(now)
            return None
        return self._hear(answer, now)

    def close(self) -> None:
        """Ask the worker to end."""
        # It has never answered, so it may not even be placed, and `stop` would wait until it is.
        if not self._node:
            self.kill()
        elif not self._gone and self._stopping is None:
            self._stopping = self._actor.stop.remote()

    def closed(self) -> bool:
        """Whether it has."""
        # Ray ends no actor by itself: once `stop` has returned, only an idle process is left.
        if not self._gone and self._stopping is not None and ray.wait([self._stopping], timeout=0)[0]:
            self.kill()
        return self._gone

    def kill(self) -> None:
        """End the process. One that does not obey, since it is stopped, is ended by its raylet seconds later."""
        if not self._gone:
            self._gone = True
            self._host.forget(self)
            ray.kill(self._actor, no_restart=True)

    def _command(self, command: Command) -> None:
        self._numbered = command.number
        self._commands.append(command)
        self._ask_at = 0.0

    def _ask(self) -> None:
        self._sent = self._numbered
        self.question = self._actor.exchange.remote(self._acknowledged, tuple(self._commands))

    def _hear(self, answer: Answer, now: float) -> WorkerPoll:
        self._node = answer.node
        if answer.fault is not None:
            self._raise(answer.fault)
        # One that is still loading carried none of them out: they are sent again.
        if answer.poll.ready:
            self._commands = [command for command in self._commands if command.number > self._sent]
        # Reports come until they are acknowledged: those that were taken before are passed over.
        done = answer.poll.done[max(0, self._acknowledged + 1 - answer.first) :]
        self._acknowledged = max(self._acknowledged, answer.first + len(answer.poll.done) - 1)
        self._set_pace(answer.poll, bool(done), now)
        return WorkerPoll(
            ready=answer.poll.ready,
            done=done,
            running=answer.poll.running,
            # Its count does not know of offers that are still on their way.
            wants=answer.poll.wants - sum(command.kind == "offer" for command in self._commands),
            records_done=answer.poll.records_done,
            info={**answer.poll.info, "pid": answer.pid, "node": answer.node},
            stalled=answer.poll.stalled,
        )

    def _set_pace(self, poll: WorkerPoll, news: bool, now: float) -> None:
        state = (poll.ready, tuple(poll.running), poll.wants)
        changed = news or state != self._state
        self._state = state
        least = max(PACE_S[0], PACE_PER_WORKER_S * self._host.size)
        self._pace = least if changed else min(max(PACE_S[1], least), self._pace * 1.5)
        self._ask_at = 0.0 if self._commands else now + self._pace

    def _raise(self, fault: Fault) -> None:
        self._host.forget(self)
        if fault.at_start:
            self.kill()
            raise WorkerLost("start", fault.detail, fault.error_type)
        raise rebuild(fault.error_type, fault.detail)

    def _confirm_loss(self, now: float) -> None:
        """Tell a loss once it is sure whose end it was."""
        if self._lost is None or now < self._lost[1]:
            return
        lost = self._lost[0]
        self.kill()
        if lost.kind == "own_signal" and self._node and not node_is_alive(self._node):
            raise WorkerLost("node", "the worker died with its node")
        raise lost


class RayHost:
    """Starts workers as actors on the Ray cluster that this process has joined."""

    def __init__(self, factory: str, job: Mapping[str, Any], resources: WorkerResources) -> None:
        waits = resources.processes > 1
        self._factory, self._job, self._resources = factory, {**job, "group": GROUP if waits else None}, resources
        self._handles: dict[str, RayHandle] = {}
        self._spawned = 0
        self._actor_class = ray.remote(WorkerEntry).options(
            num_cpus=0 if waits else resources.cpus,
            num_gpus=0 if waits else resources.gpus,
            memory=None if waits else resources.memory_bytes or None,
            max_restarts=0,
            max_task_retries=0,
            # Ray's default fills one node first, whose disk and network would then serve all workers.
            scheduling_strategy="SPREAD",
        )

    @property
    def size(self) -> int:
        """How many workers there are, placed or not."""
        return len(self._handles)

    def spawn(self) -> RayHandle:
        """Ask Ray for one more worker."""
        self._spawned += 1
        asked = self._resources
        actor = self._actor_class.remote(ROOT, _VERSION, self._factory, self._job, asked.cpus, asked.gpus)
        handle = RayHandle(f"worker-{self._spawned}", actor, self)
        self._handles[handle.name] = handle
        return handle

    def forget(self, handle: RayHandle) -> None:
        """A worker is gone."""
        self._handles.pop(handle.name, None)

    def pending_reason(self) -> str:
        """What a worker asks for, what the cluster has, what is free."""
        asked = self._resources
        return describe_shortage(asked.cpus, asked.gpus, asked.memory_bytes, ray.nodes(), ray.available_resources())

    def wait(self, timeout_s: float) -> None:
        """Sleep until some worker has answered; then gather the answers that come at about the same time."""
        asked = {handle.question: handle for handle in self._handles.values() if handle.question is not None}
        waiting = [question for question, handle in asked.items() if not handle.answered]
        if not waiting:
            time.sleep(timeout_s)
            return
        ready, rest = ray.wait(waiting, num_returns=1, timeout=timeout_s, fetch_local=False)
        if ready and rest:
            time.sleep(GATHER_S)
            # Many workers answer at about the same moment: one turn of the dispatcher serves them all.
            more, _ = ray.wait(rest, num_returns=len(rest), timeout=0, fetch_local=False)
            ready = [*ready, *more]
        for question in ready:
            asked[question].answered = True
