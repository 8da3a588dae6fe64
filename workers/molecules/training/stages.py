"""The stages of a training over molecules in a worker."""

from workers.molecules import stages as predicting
from workers.molecules.contract import Wanted
from workers.molecules.reader import ModelView
from workers.molecules.settings import ONLY_REFUSE, MoleculesInput
from workers.molecules.training.settings import MoleculesTraining
from workers.molecules.training.shown import COLUMNS, SHOWN, show
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import RecordStage
from workers.training.job.fit_stage import FitStage
from workers.training.job.package_stage import PackageStage
from workers.training.job.settings import part_of
from workers.training.job.shown import ShownScoring


def prepare(context: StageContext) -> RecordStage:
    """Parse, standardise and compute as for scoring; what would be scored becomes a column."""
    wanted = Wanted({"fingerprint": _source(context).fingerprint.model_dump(mode="json")})
    source = part_of(MoleculesInput, context.tightened(ONLY_REFUSE))
    reader = predicting.open_reader(context, source, [ModelView(wanted, "canonical")])
    return RecordStage(reader, lambda: ShownScoring(SHOWN, show))


def fit(context: StageContext) -> FitStage:
    """One network."""
    from workers.molecules.training.recipe import RECIPES  # noqa: PLC0415 - imports torch, which stage prepare needs not

    return FitStage(context, RECIPES, _source(context), COLUMNS)


def package(context: StageContext) -> PackageStage:
    """The model directory."""
    from workers.molecules.training.recipe import RECIPES  # noqa: PLC0415 - as above

    return PackageStage(context, RECIPES, _source(context), COLUMNS)


def _source(context: StageContext) -> MoleculesTraining:
    return MoleculesTraining.model_validate(context.run.spec.input)
