"""Open the reading side of collection `molecules` in a worker, and load its models."""

from __future__ import annotations

from functools import partial

from workers.children.child_pool import ChildPool
from workers.children.contract import DecodePool
from workers.children.inline_pool import InlinePool
from workers.engine.context import StageContext
from workers.engine.kinds import RecordStage
from workers.molecules.contract import Wanted
from workers.molecules.models import load_scoring, model_views, run_models
from workers.molecules.reader import ModelView, MoleculeReader
from workers.molecules.settings import MoleculesInput

_ENTRY = "workers.molecules.handler:build"


def predict(context: StageContext) -> RecordStage:
    """Parse, standardise and encode for the run's models."""
    models = run_models(context)
    views = model_views(models)
    decoders = context.compute.decoders or max(1, int(context.cpus))
    reader = MoleculeReader(_pool(context, views, decoders), views, context.budget, depth=2 * decoders + 1)
    return RecordStage(reader, partial(load_scoring, models))


def _pool(context: StageContext, models: list[ModelView], decoders: int) -> DecodePool:
    """RDKit holds the GIL most of the time and is native code: it runs in child processes unless the spec says."""
    source = MoleculesInput.model_validate(context.run.spec.input)
    settings = {
        "standardize": list(source.standardize),
        "max_atoms": source.max_atoms,
        "wants": [dict(model.encoder.wants) for model in models if isinstance(model.encoder, Wanted)],
    }
    if context.compute.decode == "threads":
        return InlinePool(_ENTRY, settings, decoders)
    return ChildPool(_ENTRY, settings, decoders, record_timeout_s=context.limits.record_timeout)
