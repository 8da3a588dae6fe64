"""Open the reading side of collection `notes` in a worker, and load its models."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from cluster.storage import fetch_directory
from schemas.errors import WardroundError
from workers.contract import ModelCard, Placement
from workers.ehr.notes.fetching import NoteFetcher
from workers.ehr.notes.files import Found
from workers.ehr.notes.reader import NoteReader, Preparation
from workers.ehr.notes.settings import NotesInput
from workers.ehr.notes.steps import NOTE_FORMATS, format_steps, split_steps, with_steps
from workers.engine.context import StageContext
from workers.engine.holding import HeldScoring
from workers.engine.kinds import RecordStage
from workers.engine.models import device
from workers.models.text.contract import TextEncoder


def predict(context: StageContext) -> RecordStage:
    """Read, clean and encode for the run's models."""
    source = NotesInput.model_validate(context.run.spec.input)
    fetcher = NoteFetcher(source, Found.from_state(context.run.parts["state"]), context.storage)
    preparations = [_preparation(context, name) for name in context.run.models]
    reader = NoteReader(fetcher, preparations, context.budget, source.keep_text)
    return RecordStage(reader, partial(_load, context))


def _preparation(context: StageContext, name: str) -> Preparation:
    own = format_steps(context.run.models[name].format)
    cleaning, _ = split_steps(list(context.run.prepare[name]), own)
    return Preparation(cleaning, partial(_open_encoder, context, name))


def _open_encoder(context: StageContext, name: str) -> TextEncoder:
    directory, card = _fetched(context, name)
    return NOTE_FORMATS[card.format].open_encoder(directory, card, context.cpus)


def _load(context: StageContext) -> HeldScoring:
    """Every model of the run, loaded to this worker's device."""
    kind = device(context.gpus)
    placement = Placement(kind, max(1, int(context.cpus)))
    scorers = {}
    for name, record in context.run.models.items():
        if record.sha256 not in context.run.parts["models"].values():
            raise WardroundError(f"model {name} is not part of the run's fingerprint")
        directory, card = _fetched(context, name)
        scorers[name] = NOTE_FORMATS[card.format].load(directory, card, placement)
    return HeldScoring(scorers, kind, remedy="give the workers more memory, or lower input.max_chars")


def _fetched(context: StageContext, name: str) -> tuple[Path, ModelCard]:
    """A model's directory on this node, and its card under the run's steps."""
    record = context.run.models[name]
    fetched = fetch_directory(record.uri, context.storage, expected_sha256=record.sha256)
    _, card = NOTE_FORMATS.describe(fetched.path)
    return fetched.path, with_steps(card, context.run.prepare[name])
