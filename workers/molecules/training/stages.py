"""The stages of a training over molecules in a worker."""

from collections.abc import Sequence

from workers.molecules import stages as predicting
from workers.molecules.contract import Wanted
from workers.molecules.reader import ModelView
from workers.molecules.settings import ONLY_REFUSE, MoleculesInput
from workers.molecules.steps import parse_steps
from workers.molecules.training.recipe import RECIPES
from workers.molecules.training.settings import MoleculesTraining
from workers.molecules.training.shown import COLUMNS, SHOWN, show
from workers.molecules.training.smiles import split_smiles
from workers.pipeline.context import StageContext
from workers.pipeline.holding import HeldScoring
from workers.pipeline.kinds import RecordStage
from workers.prepare_list import without
from workers.text_models.token_windows import STEP
from workers.text_models.training.collection import OF_SCORES
from workers.text_models.training.shown import SHOWN as TOKENS
from workers.text_models.training.shown import TokenRows
from workers.text_models.training.start import Start
from workers.training.job.columns import PREPARE
from workers.training.job.last_stages import last_stages
from workers.training.job.recipes import Recipes
from workers.training.job.settings import part_of
from workers.training.job.shown import ShownScoring
from workers.training.job.start import start_of


def prepare(context: StageContext) -> RecordStage:
    """Parse, standardise and compute or tokenise as for scoring; what would be scored becomes columns."""
    source, molecules = _source(context), part_of(MoleculesInput, context.tightened(ONLY_REFUSE))
    start = start_of(context, source)
    if source.is_pretrained and start is not None:
        steps = context.run.parts["state"]["prepare"]
        begun = Start(start, *OF_SCORES)
        form = parse_steps(without(steps, STEP)).form
        view = ModelView(begun.encoder(begun.windows(split_smiles(steps)[1])), form)
        reader = predicting.open_reader(context, molecules, [view])
        return RecordStage(reader, lambda: HeldScoring({PREPARE: TokenRows()}, "cpu"))
    wanted = Wanted({"fingerprint": source.fingerprint.model_dump(mode="json")})
    reader = predicting.open_reader(context, molecules, [ModelView(wanted, "canonical")])
    return RecordStage(reader, lambda: ShownScoring(SHOWN, show))


def _recipes(context: StageContext) -> Recipes:
    if not _source(context).is_pretrained:
        return RECIPES
    from workers.text_models.training.recipe import TextRecipes  # noqa: PLC0415 - imports transformers

    return TextRecipes(split_smiles)


def _columns(context: StageContext) -> Sequence[str]:
    return [field.name for field in TOKENS] if _source(context).is_pretrained else COLUMNS


def _source(context: StageContext) -> MoleculesTraining:
    return MoleculesTraining.model_validate(context.run.spec.input)


fit, package = last_stages(MoleculesTraining, _recipes, _columns)
