"""The stages of a training over images in a worker."""

import importlib
from types import ModuleType

from schemas.run import RunFile
from workers.images import stages as predicting
from workers.images.settings import ONLY_REFUSE, ImagesInput
from workers.images.training.settings import ImagesTraining
from workers.images.training.shown import COLUMNS, SHOWN, show
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import RecordStage, ShardStage
from workers.training.job.fit_stage import FitStage
from workers.training.job.package_stage import PackageStage
from workers.training.job.recipes import Recipes
from workers.training.job.settings import part_of
from workers.training.job.shown import ShownScoring


def headers(context: StageContext) -> RecordStage:
    """Count the frames of every object, or read of which volume they are."""
    images = _images(context)
    return (
        _volumes("stages").headers(context, images) if images.has_volumes else predicting.count_frames(context, images)
    )


def volumes(context: StageContext) -> ShardStage:
    """Put slices together to volumes."""
    found: ShardStage = _volumes("stages").volumes(context, _images(context))
    return found


def prepare(context: StageContext) -> RecordStage:
    """Read, decode and prepare as for scoring; what would be scored becomes columns."""
    images = _images(context)
    if images.has_volumes:
        labelled: RecordStage = _volumes("training.stages").prepare(context, _source(context.run), images)
        return labelled
    steps = context.run.parts["state"]["prepare"]
    lists, _ = predicting.prepare_lists({"shown": tuple(steps)})
    reader = predicting.open_reader(context, images, lists)
    return RecordStage(reader, lambda: ShownScoring(SHOWN, show))


def fit(context: StageContext) -> FitStage:
    """One network a seed."""
    source = _source(context.run)
    return FitStage(context, _recipes(source), source, _columns(source))


def package(context: StageContext) -> PackageStage:
    """The model directory."""
    source = _source(context.run)
    return PackageStage(context, _recipes(source), source, _columns(source))


def _recipes(source: ImagesTraining) -> Recipes:
    """How the network is trained: modules that import torch, of which stage `prepare` has no need."""
    room = (
        _volumes("training.recipe") if source.has_volumes else importlib.import_module("workers.images.training.recipe")
    )
    found: Recipes = room.RECIPES
    return found


def _columns(source: ImagesTraining) -> tuple[str, ...]:
    if not source.has_volumes:
        return COLUMNS
    columns: tuple[str, ...] = _volumes("training.shown").COLUMNS
    return columns


def _volumes(module: str) -> ModuleType:
    """Single images need none of what it imports."""
    return importlib.import_module(f"workers.images.volumes.{module}")


def _source(run: RunFile) -> ImagesTraining:
    return ImagesTraining.model_validate(run.spec.input)


def _images(context: StageContext) -> ImagesInput:
    """The input alone, without what is learned from it."""
    return part_of(ImagesInput, context.tightened(ONLY_REFUSE))
