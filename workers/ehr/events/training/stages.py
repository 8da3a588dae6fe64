"""The stages of a training over events in a worker."""

from workers.ehr.events import stages as predicting
from workers.ehr.events.scoring import whole_parts
from workers.ehr.events.settings import EventsInput
from workers.ehr.events.training.histories import SHOWN
from workers.ehr.events.training.keeper import HistoryKeeper, HistoryRows
from workers.ehr.events.training.recipes import RECIPES
from workers.ehr.events.training.settings import EventsTraining
from workers.pipeline.context import StageContext
from workers.pipeline.holding import HeldScoring
from workers.pipeline.kinds import RecordStage, ShardStage
from workers.training.job.columns import PREPARE
from workers.training.job.last_stages import last_stages
from workers.training.job.settings import part_of


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


fit, package = last_stages(EventsTraining, lambda _: RECIPES, (*(field.name for field in SHOWN), "subject_id"))


def _source(context: StageContext) -> EventsTraining:
    return EventsTraining.model_validate(context.run.spec.input)


def _events(context: StageContext) -> EventsInput:
    return part_of(EventsInput, context.run.spec.input)
