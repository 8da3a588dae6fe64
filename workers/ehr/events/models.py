"""The models of a run on events: their encoders ahead of the device, their scorers on it."""

from __future__ import annotations

from pathlib import Path

from cluster.storage import fetch_directory
from workers.contract import ModelCard, Placement
from workers.ehr.events.contract import EventEncoder, EventFormat
from workers.ehr.events.scoring import whole_parts
from workers.engine.context import StageContext
from workers.engine.holding import HeldScoring
from workers.engine.models import device
from workers.models.detect import Formats

_FORMATS = Formats[EventFormat]("events")


def open_encoders(context: StageContext) -> list[EventEncoder]:
    """One a model, in the run's order. Loads no weights."""
    fetched = [_fetched(context, name) for name in _names(context)]
    return [kind.open_encoder(path, card, context.cpus) for kind, path, card in fetched]


def load_scoring(context: StageContext) -> HeldScoring:
    """Every model of the run, loaded to this worker's device."""
    where = device(context.gpus)
    threads = max(1, int(context.cpus))
    scorers = {}
    for name in _names(context):
        kind, path, card = _fetched(context, name)
        scorers[name] = kind.load(path, card, Placement(where, threads))
    return HeldScoring(scorers, where, whole_parts)


def _names(context: StageContext) -> list[str]:
    return list(context.run.models)


def _fetched(context: StageContext, name: str) -> tuple[EventFormat, Path, ModelCard]:
    record = context.run.models[name]
    fetched = fetch_directory(record.uri, context.storage, expected_sha256=record.sha256)
    kind, card = _FORMATS.describe(fetched.path)
    return _FORMATS[kind], fetched.path, card
