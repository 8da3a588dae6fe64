"""Load the models of a run into a worker, with what is known of the best batch size."""

import importlib
import json
import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from cluster.storage import ObjectMissing
from schemas.errors import InfrastructureError, SpecError
from workers.pipeline.context import StageContext


def device(gpus: float) -> str:
    """`cuda` where this worker was given a GPU, `cpu` where it was given none.

    Raises SpecError where torch cannot use what was given: scoring on the CPU instead would go unnoticed.
    """
    if gpus <= 0:
        return "cpu"
    if not has_gpu():
        raise SpecError(
            f"compute.gpus_per_worker is {gpus:g}, and torch finds no GPU on {platform.node()}: set it to 0, or "
            "install a torch with CUDA and a driver that suits it there"
        )
    return "cuda"


def has_gpu() -> bool:
    """Whether torch can use a GPU of this machine."""
    torch: Any = importlib.import_module("torch")
    return bool(torch.cuda.is_available())


def device_kind(kind: str) -> str:
    """A name for devices that a measurement holds for."""
    if kind == "cpu":
        return "cpu"
    torch: Any = importlib.import_module("torch")
    return "".join(char if char.isalnum() else "-" for char in torch.cuda.get_device_name(0).lower())


def release_device_memory() -> None:
    """Give back what torch keeps of a GPU's memory for later, so that another process can have it."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def known_tuning(context: StageContext, kind: str) -> dict[str, Any]:
    """What earlier workers of this device kind measured, by model."""
    try:
        known: dict[str, Any] = json.loads(context.store.get(tuning_key(kind)))["models"]
    except ObjectMissing:
        return {}
    return known


def tuning_key(kind: str) -> str:
    """Where the measurement of a device kind is kept in the run directory."""
    return f"tuning/{kind}.json"


def keep_tuning(context: StageContext, found: Mapping[str, Any]) -> None:
    """Put what was measured into the run directory, once; a second worker's finding is dropped.

    It only saves later workers a measurement: where storage does not take it, nothing is said.
    """
    if found:
        kind = device_kind(device(context.gpus))
        contents = {"format_version": 1, "device": kind, "models": dict(found)}
        body = json.dumps(contents, indent=1, sort_keys=True).encode()
        # Workers that find theirs at the same moment get 409 from some stores; no shard has to fail for that.
        with suppress(InfrastructureError):
            context.store.put_if_absent(tuning_key(kind), body, {"fingerprint": context.run.fingerprint})
