"""The models of a run on notes: their encoders ahead of the device, their scorers on it."""

from __future__ import annotations

from functools import partial

from workers.ehr.notes.reader import Preparation
from workers.ehr.notes.steps import NOTE_FORMATS, format_steps, split_steps, with_steps
from workers.engine.context import StageContext
from workers.engine.holding import HeldScoring
from workers.engine.opened import RunModels, load_scorers, open_encoder
from workers.models.text.contract import NoteFormat

Models = RunModels[NoteFormat]


def run_models(context: StageContext) -> Models:
    """Every model of the run."""
    return RunModels(context, NOTE_FORMATS, with_steps)


def preparations(context: StageContext, models: Models) -> list[Preparation]:
    """Each model's way from a text to what it scores, in the run's order. Fetches nothing yet."""
    return [_preparation(context, models, name) for name in models.names]


def _preparation(context: StageContext, models: Models, name: str) -> Preparation:
    own = format_steps(context.run.models[name].format)
    cleaning, _ = split_steps(list(context.run.prepare[name]), own)
    return Preparation(cleaning, partial(open_encoder, models, name))


def load_scoring(models: Models) -> HeldScoring:
    """Every model of the run, loaded to this worker's device."""
    remedy = "give the workers more memory, or lower input.max_chars"
    return HeldScoring(load_scorers(models), models.device, remedy=remedy)
