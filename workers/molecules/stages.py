"""Open the reading side of collection `molecules` in a worker, and load its models."""

from functools import partial

from workers.children.child_pool import ChildPool
from workers.children.contract import DecodePool
from workers.children.inline_pool import InlinePool
from workers.models.detect import Formats
from workers.molecules.contract import MoleculeFormat, Wanted
from workers.molecules.reader import ModelView, MoleculeReader
from workers.molecules.settings import ONLY_REFUSE, MoleculesInput
from workers.molecules.steps import parse_steps
from workers.pipeline.context import StageContext
from workers.pipeline.holding import HeldScoring
from workers.pipeline.kinds import RecordStage
from workers.pipeline.opened import RunModels, load_scorers, open_encoder

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


_ENTRY = "workers.molecules.handler:build"


def predict(context: StageContext) -> RecordStage:
    """Parse, standardise and encode for the run's models."""
    models = run_models(context)
    source = MoleculesInput.model_validate(context.tightened(ONLY_REFUSE))
    return RecordStage(open_reader(context, source, model_views(models)), partial(load_scoring, models))


def open_reader(context: StageContext, source: MoleculesInput, views: list[ModelView]) -> MoleculeReader:
    """Read the molecules of this input for models that see them so."""
    decoders = context.compute.decoders or max(1, int(context.cpus))
    return MoleculeReader(_pool(context, source, views, decoders), views, context.budget, depth=2 * decoders + 1)


def _pool(context: StageContext, source: MoleculesInput, models: list[ModelView], decoders: int) -> DecodePool:
    """RDKit holds the GIL most of the time and is native code: it runs in child processes unless the spec says."""
    settings = {
        "standardize": list(source.standardize),
        "max_atoms": source.max_atoms,
        "wants": [dict(model.encoder.wants) for model in models if isinstance(model.encoder, Wanted)],
    }
    if context.compute.decode == "threads":
        return InlinePool(_ENTRY, settings, decoders, record_timeout_s=context.limits.record_timeout)
    return ChildPool(_ENTRY, settings, decoders, record_timeout_s=context.limits.record_timeout)
