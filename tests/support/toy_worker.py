"""A real worker of a toy trade: it hashes the number of a shard, slowly if told to, and commits by a hard link.

`job` (plain JSON): `directory` to commit to; `seconds` a shard takes; `depth` shards it takes at once; `start`:
{"sleep": s, "from": turn} (those alone that start after so many others), {"raise": class of schemas.errors},
{"crash": true} or {"bug": true}; `acts`: shard -> {"do": "die" | "hang" | "stop" | "slow" | "fail" | "refuse",
"times": n, "modes": [...]}: what it does the first n times, in those modes.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas import errors
from schemas.work import ShardReport, ShardTask, WorkerPoll

ROWS = 10


def build(job: Mapping[str, Any], cpus: float, gpus: float) -> ToyWorker:
    """The factory."""
    start, turn = job.get("start", {}), _turn(job, "start")
    note(job, "start", cpus=cpus, gpus=gpus, visible=os.environ.get("CUDA_VISIBLE_DEVICES"), ordinal=turn)
    if turn >= start.get("from", 0):
        time.sleep(start.get("sleep", 0))
    if "raise" in start:
        raise getattr(errors, start["raise"])("the factory was told to raise this")
    if start.get("bug"):
        raise ValueError("patient Mueller")
    if start.get("crash"):
        os.kill(os.getpid(), signal.SIGKILL)
    return ToyWorker(job)


def note(job: Mapping[str, Any], event: str, **what: Any) -> None:
    """Append one line to the log that all processes share."""
    line = json.dumps({"event": event, "pid": os.getpid(), "at": time.time(), **what}) + "\n"
    with open(Path(job["directory"]) / "log.jsonl", "a") as log:
        log.write(line)


def notes(directory: Path, event: str) -> list[dict[str, Any]]:
    """The lines of one event."""
    path = directory / "log.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [line for line in lines if line["event"] == event]


def committed(directory: Path) -> list[int]:
    """The shards that lie in the directory."""
    return sorted(int(path.stem) for path in directory.glob("*.done"))


def _turn(job: Mapping[str, Any], name: str) -> int:
    """How often this was called before, over all processes."""
    turn = 0
    while True:
        try:
            os.close(os.open(Path(job["directory"]) / f"{name}.{turn}.turn", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            turn += 1
        else:
            return turn


class ToyWorker:
    """One thread takes the shards in order."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        self._job = job
        self._lock = threading.Condition()
        self._queue: deque[ShardTask] = deque()
        self._done: list[ShardReport] = []
        self._records = 0
        self._closed = False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def offer(self, task: ShardTask) -> None:
        if self._job.get("bug_in_offer"):
            raise KeyError("patient Mueller")
        with self._lock:
            note(self._job, "offer", shard=task.shard, mode=task.mode, beside=[t.shard for t in self._queue])
            self._queue.append(task)
            self._lock.notify_all()

    def poll(self) -> WorkerPoll:
        with self._lock:
            done, self._done = self._done, []
            running = tuple(task.shard for task in self._queue)
            wants = max(0, self._job.get("depth", 2) - len(running))
            return WorkerPoll(True, tuple(done), running, wants, self._records)

    def cancel(self, shard: int) -> None:
        with self._lock:
            note(self._job, "cancel", shard=shard)
            keep = [task for i, task in enumerate(self._queue) if i == 0 or task.shard != shard]
            self._queue = deque(keep)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._lock.notify_all()
        note(self._job, "close")

    def _work(self) -> None:
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._queue or self._closed)
                if self._closed:
                    return
                task = self._queue[0]
            report = self._score(task)
            with self._lock:
                self._queue.popleft()
                self._done.append(report)
                self._records += report.rows

    def _score(self, task: ShardTask) -> ShardReport:
        begin = time.monotonic()
        time.sleep(self._job.get("seconds", 0.0))
        failed = self._act(task)
        if failed is not None:
            return failed
        if task.sample:
            return ShardReport(task.shard, "sampled", {"ok": len(task.sample)}, rows=len(task.sample))
        outcome = self._commit(task.shard)
        return ShardReport(task.shard, outcome, {"ok": ROWS}, {"forward": time.monotonic() - begin}, rows=ROWS)

    def _act(self, task: ShardTask) -> ShardReport | None:
        act = self._job.get("acts", {}).get(str(task.shard))
        if act is None or task.mode not in act.get("modes", ["normal", "alone", "isolate"]):
            return None
        if _turn(self._job, f"act-{task.shard}") >= act.get("times", 1):
            return None
        note(self._job, act["do"], shard=task.shard, mode=task.mode)
        if act["do"] == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif act["do"] == "hang":
            time.sleep(3600)
        elif act["do"] == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
            time.sleep(0.5)  # the kernel stops the threads of a process one after another
        elif act["do"] == "slow":
            time.sleep(act["seconds"])
        elif act["do"] == "fail":
            return ShardReport(task.shard, "failed", error="503 Slow Down", error_type="StoreBusy", retryable=True)
        elif act["do"] == "refuse":
            return ShardReport(task.shard, "failed", error="another run lies there", error_type="FingerprintError")
        return None

    def _commit(self, shard: int) -> Any:
        directory = Path(self._job["directory"])
        private = directory / f"{shard}.{os.getpid()}.{threading.get_ident()}.tmp"
        private.write_text(hashlib.sha256(str(shard).encode()).hexdigest())
        try:
            os.link(private, directory / f"{shard}.done")
        except FileExistsError:
            return "adopted"
        finally:
            private.unlink()
        return "committed"
