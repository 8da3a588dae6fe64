"""Several processes of one node that fit one network: the worker's own, which keeps states, and others beside it."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch

from schemas.errors import InfrastructureError, WardroundError
from schemas.import_path import python_path
from workers.children.lifeline import set_parent_death_signal
from workers.lookup import room_at
from workers.pipeline.context import StageContext
from workers.threads import cap_threads
from workers.training.ranks import Alone, Ranks, TorchRanks

_MEET, _STATE = "meet", "state.safetensors"


@dataclass(frozen=True)
class Place:
    """One of the other processes: which fit it belongs to, and where they find each other."""

    job: Mapping[str, Any]
    cpus: float
    gpus: float
    seed: int
    rank: int
    size: int
    folder: str
    parent: int


@contextmanager
def processes(context: StageContext, size: int, seed: int, state: bytes | None) -> Iterator[Ranks]:
    """This process as the first of so many, all going on from `state`; the others end with it.

    Raises InfrastructureError where one of them does not come, or ends before the fit does.
    """
    if size == 1:
        yield Alone()
        return
    with tempfile.TemporaryDirectory(prefix="wardround-ranks-") as folder:
        if state is not None:
            (Path(folder) / _STATE).write_bytes(state)
        own = (context.job, context.cpus, context.gpus, seed)
        children = [_started(Place(*own, rank, size, folder, os.getpid())) for rank in range(1, size)]
        try:
            with _met(folder, 0, size, context.compute.start_timeout) as ranks:
                yield ranks
        finally:
            for child in children:
                child.kill()
                child.wait()


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
    state = Path(place.folder) / _STATE
    resume = state.read_bytes() if state.exists() else None
    try:
        with _met(place.folder, place.rank, place.size, context.compute.start_timeout) as ranks:
            stage.follow(place.seed, resume, ranks)
    except WardroundError as error:
        return error.exit_code
    finally:
        stage.close()
    return 0


if __name__ == "__main__":
    os._exit(main())
