"""Open the stages of collection `events` in a worker."""

from __future__ import annotations

from functools import partial

from workers.ehr.events.fetching import SubjectFetcher
from workers.ehr.events.indexing import IndexStage
from workers.ehr.events.meds import MedsRoot
from workers.ehr.events.models import load_scoring, open_encoders, run_models
from workers.ehr.events.reader import EventReader
from workers.ehr.events.settings import EventsInput
from workers.ehr.events.task import cohort_of
from workers.ehr.events.times import TimesStage
from workers.engine.context import StageContext
from workers.engine.kinds import RecordStage, ShardStage


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
    fetcher = SubjectFetcher(MedsRoot(source.uri, context.storage).store, source.repair == "sort")
    models = run_models(context)
    reader = EventReader(fetcher, open_encoders(models), context.budget, source.time_precision == "exact")
    return RecordStage(reader, partial(load_scoring, models))


def _source(context: StageContext) -> EventsInput:
    return EventsInput.model_validate(context.run.spec.input)
