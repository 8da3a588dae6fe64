"""The models of a run on sequences: their encoders ahead of the device, their scorers on it."""

from __future__ import annotations

from functools import partial

from workers.engine.context import StageContext
from workers.engine.holding import HeldScoring
from workers.engine.opened import RunModels, load_scorers, open_encoder
from workers.genomics.sequences.contract import SequenceFormat
from workers.genomics.sequences.reader import ModelView
from workers.genomics.sequences.regions import View
from workers.genomics.sequences.scoring import ColumnScorer
from workers.genomics.sequences.steps import parse_steps, with_strands
from workers.models.detect import Formats

FORMATS = Formats[SequenceFormat]("sequences")

Models = RunModels[SequenceFormat]


def run_models(context: StageContext) -> Models:
    """Every model of the run."""
    return RunModels(context, FORMATS, lambda card, steps: with_strands(card, parse_steps(list(steps))))


def model_views(models: Models) -> list[ModelView]:
    """What each model is to be shown, in the run's order. Loads no weights."""
    return [_view(models, name) for name in models.names]


def _view(models: Models, name: str) -> ModelView:
    says = models[name].card.settings
    view = View(parse_steps(list(models[name].steps)), says["alphabet"], says["longest"], says.get("fixed_length"))
    return ModelView(view, partial(open_encoder, models, name))


def load_scoring(models: Models, has_variants: bool) -> HeldScoring:
    """Every model of the run, loaded to this worker's device."""
    scorers = {name: ColumnScorer(scorer, has_variants) for name, scorer in load_scorers(models).items()}
    return HeldScoring(scorers, models.device, remedy="give the workers more memory, or take a shorter window")
