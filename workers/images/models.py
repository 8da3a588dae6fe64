"""Load the models of a run of images into a worker, with what is known of the best batch size."""

from __future__ import annotations

from typing import Any

from cluster.storage import fetch_directory
from schemas.errors import WardroundError
from workers.contract import Model, Placement
from workers.engine.context import StageContext
from workers.engine.models import device, device_kind, known_tuning
from workers.engine.runner import ModelRunner
from workers.engine.scoring import ArrayScoring
from workers.engine.tuning import Tuner
from workers.images.contract import ImageFormat
from workers.images.prepare.plan import split
from workers.images.steps import parse_steps
from workers.models.detect import Formats

_FORMATS = Formats[ImageFormat]("images")
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


def load_scorer(context: StageContext) -> ArrayScoring:
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
    return ArrayScoring(runners, taken, kind)


def _load(context: StageContext, name: str, kind: str) -> Model:
    record = context.run.models[name]
    fetched = fetch_directory(record.uri, context.storage, expected_sha256=record.sha256)
    model_format, card = _FORMATS.describe(fetched.path)
    _, affine = split(parse_steps(list(context.run.prepare[name])))
    return _FORMATS[model_format].load(fetched.path, card, Placement(kind, max(1, int(context.cpus)), affine))


def _fixed(context: StageContext) -> int | None:
    if context.run.spec.numerics == "deterministic":
        return context.run.spec.compute.batch or _FIXED_BATCH
    return context.compute.batch
