"""The models of a run on molecules: their encoders ahead of the device, their scorers on it."""

from __future__ import annotations

from pathlib import Path

from cluster.storage import fetch_directory
from schemas.errors import WardroundError
from workers.contract import ModelCard, Placement
from workers.engine.context import StageContext
from workers.engine.holding import HeldScoring
from workers.engine.models import device
from workers.models.detect import Formats
from workers.molecules.contract import MoleculeFormat
from workers.molecules.reader import ModelView
from workers.molecules.steps import parse_steps

FORMATS = Formats[MoleculeFormat]("molecules")


def model_views(context: StageContext) -> list[ModelView]:
    """How each model sees molecules, in the run's order. Loads no weights."""
    views = []
    for name in context.run.models:
        kind, path, card = _fetched(context, name)
        encoder = kind.open_encoder(path, card, context.cpus)
        views.append(ModelView(encoder, parse_steps(list(context.run.prepare[name])).form))
    return views


def load_scoring(context: StageContext) -> HeldScoring:
    """Every model of the run, loaded to this worker's device."""
    where = device(context.gpus)
    threads = max(1, int(context.cpus))
    scorers = {}
    for name, record in context.run.models.items():
        if record.sha256 not in context.run.parts["models"].values():
            raise WardroundError(f"model {name} is not part of the run's fingerprint")
        kind, path, card = _fetched(context, name)
        scorers[name] = kind.load(path, card, Placement(where, threads))
    return HeldScoring(scorers, where)


def _fetched(context: StageContext, name: str) -> tuple[MoleculeFormat, Path, ModelCard]:
    record = context.run.models[name]
    fetched = fetch_directory(record.uri, context.storage, expected_sha256=record.sha256)
    kind, card = FORMATS.describe(fetched.path)
    return FORMATS[kind], fetched.path, card
