"""Open the reading side of collection `notes` in a worker, and load its models."""

from __future__ import annotations

from functools import partial

from workers.ehr.notes.fetching import NoteFetcher
from workers.ehr.notes.files import Found
from workers.ehr.notes.models import load_scoring, preparations, run_models
from workers.ehr.notes.reader import NoteReader
from workers.ehr.notes.settings import NotesInput
from workers.engine.context import StageContext
from workers.engine.kinds import RecordStage


def predict(context: StageContext) -> RecordStage:
    """Read, clean and encode for the run's models."""
    source = NotesInput.model_validate(context.run.spec.input)
    fetcher = NoteFetcher(source, Found.from_state(context.run.parts["state"]), context.storage)
    models = run_models(context)
    reader = NoteReader(fetcher, preparations(context, models), context.budget, source.keep_text)
    return RecordStage(reader, partial(load_scoring, models))
