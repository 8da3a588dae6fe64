"""Open the stages of a run over volumes in a worker."""

from functools import partial
from typing import Any

from schemas.errors import SpecError
from workers.contract import ModelCard
from workers.images.fetching import ObjectFetcher, fetcher_of
from workers.images.settings import ImagesInput
from workers.images.stages import Pools, decoders_of
from workers.images.volumes.contract import VolumeFormat
from workers.images.volumes.decoded import VolumeSource
from workers.images.volumes.models import with_outputs
from workers.images.volumes.origin import NAMES
from workers.images.volumes.planning.digests import PixelDigests
from workers.images.volumes.planning.header_reader import FactsReader
from workers.images.volumes.planning.stage import VolumesStage
from workers.images.volumes.reader import Asked, VolumeReader
from workers.images.volumes.scoring import VolumeScoring
from workers.images.volumes.steps import parse_steps
from workers.models.detect import Formats
from workers.pipeline.behind import Behind
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import RecordStage, ShardStage
from workers.pipeline.models import device
from workers.pipeline.opened import RunModels
from workers.pipeline.scoring import ArrayScoring

_FETCHES = 16
_VOLUMES_AHEAD = 4
"""Volumes that are read at a time, as far as the budget of bytes has room for them."""
_BEHIND = 4
"""Threads that make files and measures of what networks marked, if there are so many processors."""
_BEHIND_BYTES = 256 * 2**20
"""Logits that wait for their way back to the original grid."""


def headers(context: StageContext, source: ImagesInput) -> RecordStage:
    """Read the header of every object."""
    reader = FactsReader(_objects(context, source), source, _FETCHES)
    return RecordStage(reader, lambda: ArrayScoring({}, {}))


def volumes(context: StageContext, source: ImagesInput) -> ShardStage:
    """Put slices together to volumes."""
    return VolumesStage(context, PixelDigests(_objects(context, source), source), source.selection)


def predict(context: StageContext, source: ImagesInput) -> RecordStage:
    """Read volumes, prepare them and show them to the run's models."""
    lists, _ = distinct_lists(context)
    return RecordStage(open_reader(context, source, lists), partial(_load, context, source))


def open_reader(context: StageContext, source: ImagesInput, lists: list[list[Any]]) -> VolumeReader:
    """What reads the volumes of a stage and prepares them by each of these lists."""
    asked = Asked([parse_steps(steps) for steps in lists], device(context.gpus), source.max_pixels)
    return VolumeReader(_source(context, source), context.budget, asked, _VOLUMES_AHEAD)


def distinct_lists(context: StageContext) -> tuple[list[list[Any]], dict[str, int]]:
    """The distinct prepare lists of the run, and which of them each model takes."""
    lists: list[list[Any]] = []
    for steps in context.run.prepare.values():
        if list(steps) not in lists:
            lists.append(list(steps))
    return lists, {name: lists.index(list(steps)) for name, steps in context.run.prepare.items()}


def _source(context: StageContext, source: ImagesInput) -> VolumeSource:
    settings = {"input": source.model_copy(update={"carry": NAMES, "subject_id": None}).model_dump(mode="json")}
    decoders = decoders_of(context)
    pools = Pools(context, "workers.images.volumes.slices:build", settings, decoders)
    return VolumeSource(_objects(context, source), pools, decoders)


def _objects(context: StageContext, source: ImagesInput) -> ObjectFetcher:
    fetcher = fetcher_of(source, context.storage, _FETCHES)
    if not isinstance(fetcher, ObjectFetcher):
        raise SpecError("volumes are made of objects, not of images in a column of Parquet files")
    return fetcher


def _load(context: StageContext, source: ImagesInput) -> VolumeScoring:
    from workers.images.volumes.scorers import load_scorers  # noqa: PLC0415 - imports torch

    def settle(card: ModelCard, _: Any) -> ModelCard:
        return with_outputs(card, source)

    models = RunModels(context, Formats[VolumeFormat]("images"), settle)
    _, takes = distinct_lists(context)
    behind = Behind(max(1, min(_BEHIND, int(context.cpus))), _BEHIND_BYTES)
    return VolumeScoring(load_scorers(models, context, source, takes, behind), models.device, behind)
