"""Several processes that fit one network: the worker's own and others beside it on its node, or those of a group that
the pool starts, for which the worker waits. Each of them runs `FitStage.along`."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any

import torch

from schemas.errors import InfrastructureError, WardroundError
from schemas.import_path import python_path
from workers.children.lifeline import set_parent_death_signal
from workers.lookup import room_at
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import TellsOfItself
from workers.threads import cap_threads
from workers.training.job.checkpoints import Superseded
from workers.training.ranks import Ranks, TorchRanks

_MEET = "meet"
_LOOK_S = 5.0


@dataclass(frozen=True)
class Place:
    """One of the other processes: which fit it belongs to, and where they find each other."""

    job: Mapping[str, Any]
    cpus: float
    gpus: float
    fit: str
    rank: int
    size: int
    folder: str
    parent: int


@contextmanager
def together(context: StageContext, size: int, fit: str) -> Iterator[Ranks]:
    """This process as the first of so many; the others end with it.

    Raises InfrastructureError where one of them does not come, or ends before the fit does.
    """
    with tempfile.TemporaryDirectory(prefix="wardround-ranks-") as folder:
        own = (context.job, context.cpus, context.gpus, fit)
        children = [_started(Place(*own, rank, size, folder, os.getpid())) for rank in range(1, size)]
        try:
            with _met(folder, 0, size, context.compute.start_timeout) as ranks:
                yield ranks
        finally:
            for child in children:
                child.kill()
                child.wait()


def in_group(context: StageContext, size: int, fit: str) -> bool:
    """Whether the pool has a group for such processes; then the fit was run by one to its end, and its last state is
    kept. Raises InfrastructureError where one of them ends before."""
    group = context.job.get("group")
    if group is None:
        return False
    module, _, name = str(group).partition(":")
    compute, share = context.compute, 1 / size
    argument = {"job": dict(context.job), "cpus": context.cpus, "gpus": context.gpus, "fit": fit}
    memory = int((compute.memory_per_worker or 0) * share)
    run = getattr(import_module(module), name)
    run(f"{__name__}:rank", argument, size, context.cpus * share, context.gpus * share, memory, compute.start_timeout)
    return True


def rank(argument: Mapping[str, Any]) -> None:
    """One process of a group, which is connected already. The first one keeps the states, the last of them too."""
    context = StageContext(argument["job"], argument["cpus"], argument["gpus"])
    ranks = TorchRanks()
    cap_threads(max(1, int(context.cpus) // ranks.size))
    stage = room_at(context.job["room"]).get("stages", context.run.stage)(context)
    threading.Thread(target=_end_where_stalled, args=(stage,), name="stalled", daemon=True).start()
    try:
        stage.along(argument["fit"], ranks, leaves=True)
    except Superseded:
        raise InfrastructureError("another driver has gone further with this fit: it goes on from there") from None
    finally:
        stage.close()


def _end_where_stalled(stage: TellsOfItself) -> None:
    """Nobody else sees that this process computes without end."""
    while not stage.is_stalled():
        time.sleep(_LOOK_S)
    os._exit(1)


def _started(place: Place) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        # -P: the working directory is the user's, and may hold a `types.py` or `queue.py` of its own.
        [sys.executable, "-P", "-m", __name__],
        env={**os.environ, "PYTHONPATH": python_path()},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert child.stdin is not None
    child.stdin.write(json.dumps({**vars(place), "job": dict(place.job)}).encode())
    child.stdin.close()
    return child


@contextmanager
def _met(folder: str, rank: int, size: int, timeout_s: float) -> Iterator[Ranks]:
    meet = f"file://{folder}/{_MEET}"
    try:
        torch.distributed.init_process_group(
            "gloo", meet, rank=rank, world_size=size, timeout=timedelta(seconds=timeout_s)
        )
    except (RuntimeError, torch.distributed.DistError):
        raise InfrastructureError(
            f"{size} processes were to fit one network, and not all came within {timeout_s:g} s: give the worker more "
            "memory, raise compute.start_timeout, or say input.processes: 1"
        ) from None
    try:
        yield TorchRanks()
    finally:
        torch.distributed.destroy_process_group()


def main() -> int:
    """One of the others: reads its place from standard input and fits along until it is ended."""
    place = Place(**json.load(sys.stdin))
    set_parent_death_signal(place.parent)
    cap_threads(max(1, int(place.cpus) // place.size))
    context = StageContext(place.job, place.cpus, place.gpus)
    stage = room_at(place.job["room"]).get("stages", context.run.stage)(context)
    try:
        with _met(place.folder, place.rank, place.size, context.compute.start_timeout) as ranks:
            stage.along(place.fit, ranks)
    except WardroundError as error:
        return error.exit_code
    finally:
        stage.close()
    return 0


if __name__ == "__main__":
    os._exit(main())
