"""Open the stages of collection `genotypes` in a worker."""

from workers.genomics.genotypes.adjusting import AdjustStage
from workers.genomics.genotypes.counting import CountStage
from workers.genomics.genotypes.fitting import FitStage
from workers.genomics.genotypes.layout import FIT
from workers.genomics.genotypes.match_stage import MatchStage
from workers.genomics.genotypes.predicting import PredictStage
from workers.genomics.genotypes.settings import GenotypesInput
from workers.genomics.genotypes.source import Genotypes
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import ShardStage


def match(context: StageContext) -> ShardStage:
    """Find the variants of every score and panel."""
    return MatchStage(context, _genotypes(context))


def count(context: StageContext) -> ShardStage:
    """Count alleles over the whole cohort."""
    return CountStage(context, _genotypes(context))


def score(context: StageContext) -> ShardStage:
    """Score samples, whose scores are adjusted later on."""
    return PredictStage(context, _genotypes(context))


def fit(context: StageContext) -> ShardStage:
    """Hold each score against the cohort."""
    return FitStage(context, _genotypes(context))


def predict(context: StageContext) -> ShardStage:
    """Score samples, or adjust the scores that they have."""
    if FIT in context.run.parts["state"]["stages"]:
        return AdjustStage(context, _genotypes(context))
    return PredictStage(context, _genotypes(context))


def _genotypes(context: StageContext) -> Genotypes:
    return Genotypes(GenotypesInput.model_validate(context.run.spec.input), context.storage)
