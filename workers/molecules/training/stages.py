"""The stages of a training over molecules in a worker."""

from workers.molecules import stages as predicting
from workers.molecules.contract import Wanted
from workers.molecules.reader import ModelView
from workers.molecules.settings import ONLY_REFUSE, MoleculesInput
from workers.molecules.training.recipe import RECIPES
from workers.molecules.training.settings import MoleculesTraining
from workers.molecules.training.shown import COLUMNS, SHOWN, show
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import RecordStage
from workers.training.job.last_stages import last_stages
from workers.training.job.settings import part_of
from workers.training.job.shown import ShownScoring


def prepare(context: StageContext) -> RecordStage:
    """Parse, standardise and compute as for scoring; what would be scored becomes a column."""
    wanted = Wanted({"fingerprint": _source(context).fingerprint.model_dump(mode="json")})
    source = part_of(MoleculesInput, context.tightened(ONLY_REFUSE))
    reader = predicting.open_reader(context, source, [ModelView(wanted, "canonical")])
    return RecordStage(reader, lambda: ShownScoring(SHOWN, show))


fit, package = last_stages(MoleculesTraining, lambda _: RECIPES, COLUMNS)


def _source(context: StageContext) -> MoleculesTraining:
    return MoleculesTraining.model_validate(context.run.spec.input)
