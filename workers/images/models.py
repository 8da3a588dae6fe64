"""Load the models of a run of images into a worker, with what is known of the best batch size."""

from __future__ import annotations

from typing import Any

from workers.engine.context import StageContext
from workers.engine.models import device_kind, known_tuning
from workers.engine.opened import RunModels, load_scorer
from workers.engine.runner import ModelRunner
from workers.engine.scoring import ArrayScoring
from workers.engine.tuning import Tuner
from workers.images.contract import ImageFormat
from workers.images.prepare.plan import split
from workers.images.steps import parse_steps
from workers.models.detect import Formats

_FIXED_BATCH = 16
"""The batch under `numerics: deterministic`, where no measurement may choose."""


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


def load_scoring(context: StageContext) -> ArrayScoring:
    """Every model of the run, loaded to this worker's device."""
    models = RunModels(context, Formats[ImageFormat]("images"))
    known = known_tuning(context, device_kind(models.device))
    runners = {}
    for name in models.names:
        _, affine = split(parse_steps(list(context.run.prepare[name])))
        model = load_scorer(models, name, affine)
        tuner = Tuner(model, models.device, fixed=_fixed(context), known=known.get(name))
        runners[name] = ModelRunner(model, tuner)
    _, taken = prepare_lists(dict(context.run.prepare))
    return ArrayScoring(runners, taken, models.device)


def _fixed(context: StageContext) -> int | None:
    if context.run.spec.numerics == "deterministic":
        return context.run.spec.compute.batch or _FIXED_BATCH
    return context.compute.batch
