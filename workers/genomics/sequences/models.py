"""The models of a run on sequences: their encoders ahead of the device, their scorers on it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from cluster.storage import fetch_directory
from schemas.errors import WardroundError
from workers.contract import ModelCard, Placement
from workers.engine.context import StageContext
from workers.engine.holding import HeldScoring
from workers.engine.models import device
from workers.genomics.sequences.contract import SequenceEncoder, SequenceFormat
from workers.genomics.sequences.reader import ModelView
from workers.genomics.sequences.regions import View
from workers.genomics.sequences.scoring import ColumnScorer
from workers.genomics.sequences.steps import Preparation, parse_steps, with_strands
from workers.models.detect import Formats

FORMATS = Formats[SequenceFormat]("sequences")


def model_views(context: StageContext) -> list[ModelView]:
    """What each model is to be shown, in the run's order. Loads no weights."""
    return [_view(context, name) for name in context.run.models]


def _view(context: StageContext, name: str) -> ModelView:
    _, _, card = _fetched(context, name)
    says = card.settings
    view = View(_steps(context, name), says["alphabet"], says["longest"], says.get("fixed_length"))
    return ModelView(view, partial(_open_encoder, context, name))


def _open_encoder(context: StageContext, name: str) -> SequenceEncoder:
    kind, path, card = _fetched(context, name)
    return kind.open_encoder(path, card, context.cpus)


def load_scoring(context: StageContext, has_variants: bool) -> HeldScoring:
    """Every model of the run, loaded to this worker's device."""
    where = device(context.gpus)
    threads = max(1, int(context.cpus))
    scorers = {}
    for name, record in context.run.models.items():
        if record.sha256 not in context.run.parts["models"].values():
            raise WardroundError(f"model {name} is not part of the run's fingerprint")
        kind, path, card = _fetched(context, name)
        scorers[name] = ColumnScorer(kind.load(path, card, Placement(where, threads)), has_variants)
    return HeldScoring(scorers, where, remedy="give the workers more memory, or take a shorter window")


def _steps(context: StageContext, name: str) -> Preparation:
    return parse_steps(list(context.run.prepare[name]))


def _fetched(context: StageContext, name: str) -> tuple[SequenceFormat, Path, ModelCard]:
    record = context.run.models[name]
    fetched = fetch_directory(record.uri, context.storage, expected_sha256=record.sha256)
    kind, card = FORMATS.describe(fetched.path)
    return FORMATS[kind], fetched.path, with_strands(card, _steps(context, name))
