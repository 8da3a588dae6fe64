"""The models of a run on molecules: their encoders ahead of the device, their scorers on it."""

from __future__ import annotations

from workers.engine.context import StageContext
from workers.engine.holding import HeldScoring
from workers.engine.opened import RunModels, load_scorers, open_encoder
from workers.models.detect import Formats
from workers.molecules.contract import MoleculeFormat
from workers.molecules.reader import ModelView
from workers.molecules.steps import parse_steps

FORMATS = Formats[MoleculeFormat]("molecules")

Models = RunModels[MoleculeFormat]


def run_models(context: StageContext) -> Models:
    """Every model of the run."""
    return RunModels(context, FORMATS)


def model_views(models: Models) -> list[ModelView]:
    """How each model sees molecules, in the run's order. Loads no weights."""
    return [ModelView(open_encoder(models, model.name), parse_steps(list(model.steps)).form) for model in models]


def load_scoring(models: Models) -> HeldScoring:
    """Every model of the run, loaded to this worker's device."""
    return HeldScoring(load_scorers(models), models.device)
