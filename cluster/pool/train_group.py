"""Several processes that work on one thing together: the workers of Ray Train, which places, connects and ends them.

States are no business of Ray Train's: it is given no checkpoints and no second try, since ours go on from what the run
has committed.
"""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError
from ray.train.torch import TorchConfig, TorchTrainer

from cluster.pool.failures import is_ours, rebuild
from cluster.pool.train_entry import RAISED, enter
from schemas.errors import InfrastructureError, WardroundError
from schemas.import_path import ROOT

_SETTINGS = {
    # Each is about Ray Train's own habits: files beside a process, a series of metrics, printed lines.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_TRAIN_ENABLE_PRINT_PATCH": "0",
}


_WAITS = 8
"""How often it is waited for room, `timeout_s` each: another group of this run may have it."""


def run(
    function: str, argument: Mapping[str, Any], size: int, cpus: float, gpus: float, memory_bytes: int, timeout_s: float
) -> None:
    """Run `function` (`module:function`) of `argument` in so many processes, whose torch.distributed is connected: by
    NCCL where each has a GPU, else by gloo. `cpus`, `gpus` and `memory_bytes` are reserved for each of them.

    Raises what the function raised, where that is ours, and InfrastructureError where a process ended, or no room was
    found for all of them, however often it was waited for `timeout_s`.
    """
    # Ray Train reads them when it starts a group, and hands the last one on.
    os.environ.update(_SETTINGS | {"RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": str(timeout_s)})
    asked = {"CPU": cpus, "GPU": gpus, "memory": memory_bytes}
    with tempfile.TemporaryDirectory(prefix="wardround-train-") as folder:
        trainer = TorchTrainer(
            enter,
            train_loop_config={"root": ROOT, "function": function, "argument": argument},
            torch_config=TorchConfig(backend="nccl" if gpus >= 1 else "gloo", timeout_s=max(1, int(timeout_s))),
            scaling_config=ScalingConfig(
                num_workers=size,
                use_gpu=gpus > 0,
                resources_per_worker={name: amount for name, amount in asked.items() if amount},
            ),
            run_config=RunConfig(
                name="fit",
                storage_path=folder,
                failure_config=FailureConfig(
                    max_failures=0, controller_failure_limit=_WAITS, max_preemption_failures=0
                ),
            ),
        )
        try:
            trainer.fit()
        except TrainingFailedError as error:
            raise _reason(error, size) from None


def _reason(error: TrainingFailedError, size: int) -> WardroundError:
    """What it comes to here. Where one process fails the others do too, as they lose it: what one of ours says first
    that is no such loss is the reason."""
    lost: WardroundError = InfrastructureError(
        f"{size} processes of Ray Train were to fit one network, and one of them ended or found no room "
        f"({type(error).__name__}): give the workers more memory, or the cluster more nodes, or say input.processes: 1"
    )
    for kind, message in _told(error):
        if not is_ours(kind):
            return rebuild(kind, message)
        if kind != InfrastructureError.__name__:
            return rebuild(kind, message)
        lost = rebuild(kind, message)
    return lost


def _told(error: TrainingFailedError) -> Iterator[tuple[str, str]]:
    failures: Mapping[int, Exception] = getattr(error, "worker_failures", {})
    for failure in failures.values():
        _, found, rest = str(failure).partition(RAISED)
        if found:
            kind, message = json.JSONDecoder().raw_decode(rest)[0]
            yield kind, message
