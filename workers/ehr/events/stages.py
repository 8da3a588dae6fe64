"""Open the stages of collection `events` in a worker."""

from collections.abc import Sequence
from functools import partial

from workers.ehr.events.contract import EventEncoder, EventFormat
from workers.ehr.events.fetching import SubjectFetcher
from workers.ehr.events.indexing import IndexStage
from workers.ehr.events.meds import MedsRoot
from workers.ehr.events.reader import EventReader
from workers.ehr.events.scoring import whole_parts
from workers.ehr.events.settings import EventsInput
from workers.ehr.events.task import cohort_of
from workers.ehr.events.times import TimesStage
from workers.models.detect import Formats
from workers.pipeline.context import StageContext
from workers.pipeline.holding import HeldScoring
from workers.pipeline.kinds import RecordStage, ShardStage
from workers.pipeline.opened import RunModels, load_scorers, open_encoder

Models = RunModels[EventFormat]


def run_models(context: StageContext) -> Models:
    """Every model of the run."""
    return RunModels(context, Formats[EventFormat]("events"))


def open_encoders(models: Models) -> list[EventEncoder]:
    """One a model, in the run's order. Loads no weights."""
    return [open_encoder(models, name) for name in models.names]


def load_scoring(models: Models) -> HeldScoring:
    """Every model of the run, loaded to this worker's device."""
    return HeldScoring(load_scorers(models), models.device, whole_parts)


def subjects(context: StageContext) -> ShardStage:
    """Index the data files."""
    return index_subjects(context, _source(context))


def index_subjects(context: StageContext, source: EventsInput) -> ShardStage:
    """Index the data files of this input."""
    return IndexStage(context, MedsRoot(source.uri, context.storage).store, source.repair == "sort")


def times(context: StageContext) -> ShardStage:
    """Find when to predict."""
    return find_times(context, _source(context))


def find_times(context: StageContext, source: EventsInput) -> ShardStage:
    """Find when to predict from the events of this input."""
    store = MedsRoot(source.uri, context.storage).store
    return TimesStage(context, store, source, cohort_of(context.run.parts["state"]))


def predict(context: StageContext) -> RecordStage:
    """Read, cut and encode for the run's models."""
    models = run_models(context)
    reader = open_reader(context, _source(context), open_encoders(models))
    return RecordStage(reader, partial(load_scoring, models))


def open_reader(context: StageContext, source: EventsInput, encoders: Sequence[EventEncoder]) -> EventReader:
    """Read the histories of this input as of each prediction time."""
    exact = source.time_precision == "exact"
    fetcher = SubjectFetcher(MedsRoot(source.uri, context.storage).store, source.repair == "sort", exact)
    return EventReader(fetcher, encoders, context.budget)


def _source(context: StageContext) -> EventsInput:
    return EventsInput.model_validate(context.run.spec.input)
