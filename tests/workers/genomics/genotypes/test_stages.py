from __future__ import annotations

import pytest

from tests.support.genotype_stages import ScoredRun
from workers.genomics.genotypes import stages
from workers.genomics.genotypes.adjusting import AdjustStage
from workers.genomics.genotypes.counting import CountStage
from workers.genomics.genotypes.fitting import FitStage
from workers.genomics.genotypes.match_stage import MatchStage
from workers.genomics.genotypes.predicting import PredictStage


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("match", MatchStage),
        ("count", CountStage),
        ("score", PredictStage),
        ("fit", FitStage),
        ("predict", AdjustStage),
    ],
)
def test_each_stage_is_opened_by_its_name_and_the_last_reads_no_genotypes_where_scores_are_adjusted(
    scored: ScoredRun, name: str, kind: type
) -> None:
    stage = getattr(stages, name)(scored.context(name))
    assert type(stage) is kind
    stage.close()
