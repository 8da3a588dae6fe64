"""Load the models of a run into a worker, with what is known of the best batch size."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from cluster.storage import ObjectMissing, fetch_directory
from schemas.errors import InfrastructureError, WardroundError
from workers.contract import Model
from workers.engine.context import StageContext
from workers.engine.runner import ModelRunner
from workers.engine.scoring import Scorer
from workers.engine.tuning import Tuner
from workers.images.prepare.catalogue import parse_steps
from workers.images.prepare.plan import split
from workers.models.detect import describe, load

_FIXED_BATCH = 16
"""Of `numerics: deterministic`, where no measurement may choose."""


def prepare_lists(prepare: dict[str, tuple[Any, ...]]) -> tuple[list[list[Any]], dict[str, int]]:
    """The distinct lists of steps before the device, and which of them each model takes."""
    lists: list[list[Any]] = []
    taken: dict[str, int] = {}
    for name, steps in prepare.items():
        host, _ = split(parse_steps(list(steps)))
        on_host = list(steps)[: len(host)]
        if on_host not in lists:
            lists.append(on_host)
        taken[name] = lists.index(on_host)
    return lists, taken


def load_scorer(context: StageContext) -> Scorer:
    """Every model of the run, loaded to this worker's device."""
    kind = device(context.gpus)
    known = known_tuning(context, device_kind(kind))
    runners = {}
    for name, record in context.run.models.items():
        model = _load(context, name, kind)
        tuner = Tuner(model, kind, fixed=_fixed(context), known=known.get(name))
        runners[name] = ModelRunner(model, tuner)
        if record.sha256 not in context.run.parts["models"].values():
            raise WardroundError(f"model {name} is not part of the run's fingerprint")
    _, taken = prepare_lists(dict(context.run.prepare))
    return Scorer(runners, taken, kind)


def _load(context: StageContext, name: str, kind: str) -> Model:
    record = context.run.models[name]
    fetched = fetch_directory(record.uri, context.storage, expected_sha256=record.sha256)
    _, card = describe(fetched.path)
    _, affine = split(parse_steps(list(context.run.prepare[name])))
    return load(fetched.path, card, affine, kind, max(1, int(context.cpus)))


def _fixed(context: StageContext) -> int | None:
    if context.run.spec.numerics == "deterministic":
        return context.run.spec.compute.batch or _FIXED_BATCH
    return context.compute.batch


def device(gpus: float) -> str:
    """`cuda` where this worker was given a GPU and it is real, else `cpu`."""
    if gpus <= 0:
        return "cpu"
    torch: Any = importlib.import_module("torch")
    return "cuda" if torch.cuda.is_available() else "cpu"


def device_kind(kind: str) -> str:
    """A name for devices that a measurement holds for."""
    if kind == "cpu":
        return "cpu"
    torch: Any = importlib.import_module("torch")
    return "".join(char if char.isalnum() else "-" for char in torch.cuda.get_device_name(0).lower())


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
        key, store, shown = tuning_key(kind), context.store, {"fingerprint": context.run.fingerprint}
        # Workers that find theirs at the same moment get 409 from some stores; no shard has to fail for that.
        with suppress(InfrastructureError):
            if not context.single_committer:
                store.put_if_absent(key, body, shown)
            elif store.head(key) is None:
                store.put(key, body, shown)
