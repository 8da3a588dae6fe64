"""The stages of a training over genotypes in a worker."""

from workers.genomics.genotypes.settings import GenotypesInput
from workers.genomics.genotypes.source import Genotypes
from workers.genomics.genotypes.steps import Steps
from workers.genomics.genotypes.training.copies import SHOWN
from workers.genomics.genotypes.training.match_stage import PanelMatchStage
from workers.genomics.genotypes.training.prepare_stage import PrepareStage
from workers.genomics.genotypes.training.recipes import PanelRecipes
from workers.genomics.genotypes.training.settings import GenotypesTraining
from workers.genomics.genotypes.training.steps import steps_of
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import ShardStage
from workers.training.job.last_stages import last_stages
from workers.training.job.settings import part_of


def match(context: StageContext) -> ShardStage:
    """Find the variants of the panel."""
    return PanelMatchStage(context, _genotypes(context), _source(context).panel, _steps(context))


def prepare(context: StageContext) -> ShardStage:
    """Gather their copies as for scoring."""
    return PrepareStage(context, _genotypes(context), _steps(context))


fit, package = last_stages(
    GenotypesTraining, lambda context: PanelRecipes(context.store), tuple(field.name for field in SHOWN)
)


def _source(context: StageContext) -> GenotypesTraining:
    return GenotypesTraining.model_validate(context.run.spec.input)


def _steps(context: StageContext) -> Steps:
    return steps_of(tuple(context.run.parts["state"]["steps"]))


def _genotypes(context: StageContext) -> Genotypes:
    return Genotypes(part_of(GenotypesInput, context.run.spec.input), context.storage)
