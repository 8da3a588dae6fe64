"""The models of a run on events: their encoders ahead of the device, their scorers on it."""

from __future__ import annotations

from workers.ehr.events.contract import EventEncoder, EventFormat
from workers.ehr.events.scoring import whole_parts
from workers.engine.context import StageContext
from workers.engine.holding import HeldScoring
from workers.engine.opened import RunModels, load_scorers, open_encoder
from workers.models.detect import Formats

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
