"""The models of a run over volumes on their device, and what is made of their answers. Imports torch."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from workers.images.settings import ImagesInput
from workers.images.volumes.card import VolumeCard
from workers.images.volumes.contract import SlabSink, VolumeFormat
from workers.images.volumes.inputs import VolumeInputs
from workers.images.volumes.later import LaterSink
from workers.images.volumes.marked import Labels
from workers.images.volumes.marking import MarkSink
from workers.images.volumes.models import card_of
from workers.images.volumes.outputs.marked import Marked, Origin
from workers.images.volumes.outputs.settings import Wanted
from workers.images.volumes.outputs.values import Written, values_of
from workers.images.volumes.scoring import Values, VolumeScorer
from workers.images.volumes.volume import Volume
from workers.images.volumes.windows.runner import open_runner, open_tuner
from workers.images.volumes.windows.sinks import open_sink as open_on_own_grid
from workers.models.device_memory import room_on
from workers.pipeline.behind import Behind
from workers.pipeline.context import StageContext
from workers.pipeline.models import device_kind, known_tuning
from workers.pipeline.opened import OpenedModel, RunModels, load_scorer


def load_scorers(
    models: RunModels[VolumeFormat],
    context: StageContext,
    source: ImagesInput,
    takes: Mapping[str, int],
    behind: Behind,
) -> dict[str, VolumeScorer]:
    """Every model of the run. `takes` says which prepare list each has; `behind` takes the way back off the network's
    thread where both would compute on processors."""
    known = known_tuning(context, device_kind(models.device))
    found: dict[str, VolumeScorer] = {}
    for name in models.names:
        card = card_of(models[name].card)
        model = load_scorer(models, name)
        tuner = open_tuner(model, _fixed(context, card), known.get(name))
        open_sink = partial(_later, behind) if models.device == "cpu" else partial(_sink, models.device)
        runner = open_runner(model, tuner, open_sink, room_on(models.device))
        values = _values(context, models[name], card, source.segmentation)
        found[name] = VolumeScorer(models[name].card.outputs, runner, takes[name], values, tuner)
    return found


def _fixed(context: StageContext, card: VolumeCard) -> int | None:
    if context.run.spec.numerics == "deterministic":
        return context.run.spec.compute.batch or (card.windows.batch if card.windows else 1)
    return context.compute.batch


def _later(behind: Behind, volume: Volume, card: VolumeCard) -> SlabSink:
    return LaterSink(partial(_sink, "cpu", volume, card), behind.lane())


def _sink(device: str, volume: Volume, card: VolumeCard) -> SlabSink:
    """Without a step of geometry there is no way back to go."""
    return MarkSink(volume, card, device) if volume.back else open_on_own_grid(volume, card)


def _values(context: StageContext, model: OpenedModel[VolumeFormat], card: VolumeCard, wanted: Wanted) -> Values:
    if card.task == "classification":
        names = [output.name for output in model.card.outputs]
        return lambda record_id, inputs, scores: (dict(zip(names, np.asarray(scores, np.float32), strict=True)), ())
    return partial(_marks, context.run.fingerprint, model, card, wanted)


def _marks(
    fingerprint: str,
    model: OpenedModel[VolumeFormat],
    card: VolumeCard,
    wanted: Wanted,
    record_id: str,
    inputs: VolumeInputs,
    marked: Any,
) -> Written:
    original = inputs.original
    told = {"grid": original.grid, "intensities": original.voxels[0]}
    if isinstance(marked, Labels):
        found = Marked(**told, labels=marked.voxels)
    else:
        found = Marked(**told, masks={one.name: marked.mask(number) for number, one in enumerate(card.structures)})
    origin = Origin(record_id, fingerprint, model.name, model.fetched.digest, inputs.source, inputs.space)
    return values_of(card, wanted, found, origin)
