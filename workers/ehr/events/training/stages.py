"""The stages of a training over events in a worker."""

from workers.ehr.events import stages as predicting
from workers.ehr.events.scoring import whole_parts
from workers.ehr.events.settings import EventsInput
from workers.ehr.events.training.histories import SHOWN
from workers.ehr.events.training.keeper import HistoryKeeper, HistoryRows
from workers.ehr.events.training.settings import EventsTraining
from workers.pipeline.context import StageContext
from workers.pipeline.holding import HeldScoring
from workers.pipeline.kinds import RecordStage, ShardStage
from workers.training.job.columns import PREPARE
from workers.training.job.fit_stage import FitStage
from workers.training.job.package_stage import PackageStage
from workers.training.job.settings import part_of

_COLUMNS = (*(field.name for field in SHOWN), "subject_id")


def subjects(context: StageContext) -> ShardStage:
    """Index the data files."""
    return predicting.index_subjects(context, _events(context))


def times(context: StageContext) -> ShardStage:
    """Find when to predict."""
    return predicting.find_times(context, _events(context))


def prepare(context: StageContext) -> RecordStage:
    """Read and cut as for scoring; what would be encoded becomes columns."""
    keeper = HistoryKeeper(_source(context).history.window_days)
    reader = predicting.open_reader(context, _events(context), [keeper])
    return RecordStage(reader, lambda: HeldScoring({PREPARE: HistoryRows()}, "cpu", whole_parts))


def fit(context: StageContext) -> FitStage:
    """One network."""
    from workers.ehr.events.training.recipes import RECIPES  # noqa: PLC0415 - imports torch, which stage prepare needs not

    return FitStage(context, RECIPES, _source(context), _COLUMNS)


def package(context: StageContext) -> PackageStage:
    """The model directory."""
    from workers.ehr.events.training.recipes import RECIPES  # noqa: PLC0415 - as above

    return PackageStage(context, RECIPES, _source(context), _COLUMNS)


def _source(context: StageContext) -> EventsTraining:
    return EventsTraining.model_validate(context.run.spec.input)


def _events(context: StageContext) -> EventsInput:
    return part_of(EventsInput, context.run.spec.input)
