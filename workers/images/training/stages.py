"""The stages of a training over images in a worker."""

from schemas.run import RunFile
from workers.images import stages as predicting
from workers.images.settings import ONLY_REFUSE, ImagesInput
from workers.images.training.settings import ImagesTraining
from workers.images.training.shown import COLUMNS, SHOWN, show
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import RecordStage
from workers.training.job.fit_stage import FitStage
from workers.training.job.package_stage import PackageStage
from workers.training.job.settings import part_of
from workers.training.job.shown import ShownScoring


def headers(context: StageContext) -> RecordStage:
    """Count the frames of every object."""
    return predicting.count_frames(context, _images(context))


def prepare(context: StageContext) -> RecordStage:
    """Read, decode and prepare as for scoring; what would be scored becomes columns."""
    steps = context.run.parts["state"]["prepare"]
    lists, _ = predicting.prepare_lists({"shown": tuple(steps)})
    reader = predicting.open_reader(context, _images(context), lists)
    return RecordStage(reader, lambda: ShownScoring(SHOWN, show))


def fit(context: StageContext) -> FitStage:
    """One network a seed."""
    from workers.images.training.recipe import RECIPES  # noqa: PLC0415 - imports torch, which stage prepare needs not

    return FitStage(context, RECIPES, _source(context.run), COLUMNS)


def package(context: StageContext) -> PackageStage:
    """The model directory."""
    from workers.images.training.recipe import RECIPES  # noqa: PLC0415 - as above

    return PackageStage(context, RECIPES, _source(context.run), COLUMNS)


def _source(run: RunFile) -> ImagesTraining:
    return ImagesTraining.model_validate(run.spec.input)


def _images(context: StageContext) -> ImagesInput:
    """The input alone, without what is learned from it."""
    return part_of(ImagesInput, context.tightened(ONLY_REFUSE))
