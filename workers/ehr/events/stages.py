"""Open the stages of collection `events` in a worker."""

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
    source = _source(context)
    return IndexStage(context, MedsRoot(source.uri, context.storage).store, source.repair == "sort")


def times(context: StageContext) -> ShardStage:
    """Find when to predict."""
    source = _source(context)
    store = MedsRoot(source.uri, context.storage).store
    return TimesStage(context, store, source, cohort_of(context.run.parts["state"]))


def predict(context: StageContext) -> RecordStage:
    """Read, cut and encode for the run's models."""
    source = _source(context)
    exact = source.time_precision == "exact"
    fetcher = SubjectFetcher(MedsRoot(source.uri, context.storage).store, source.repair == "sort", exact)
    models = run_models(context)
    reader = EventReader(fetcher, open_encoders(models), context.budget)
    return RecordStage(reader, partial(load_scoring, models))


def _source(context: StageContext) -> EventsInput:
    return EventsInput.model_validate(context.run.spec.input)
