from __future__ import annotations

import numpy as np

from tests.support.genotype_stages import ScoredRun
from workers.genomics.genotypes.wanted import wanted_variants


def test_the_variants_of_all_scores_that_are_scored_are_wanted_and_of_no_other(scored: ScoredRun) -> None:
    wanted = wanted_variants(scored.context("count"), scored.genotypes())
    assert wanted is not None
    ids = {name for score in ("A1", "A2", "B") for name in scored.weights[score]["id"]}
    assert wanted.tolist() == sorted(int(name[1:]) for name in ids)
    low = {int(name[1:]) for name in scored.weights["LOW"].filter(scored.weights["LOW"]["pos"] < 5_001_000)["id"]}
    assert low - set(wanted.tolist()), "the score that is hardly found has variants of its own, else nothing is shown"


def test_all_are_wanted_where_quality_is_of_all_or_nothing_was_matched(scored: ScoredRun) -> None:
    assert wanted_variants(scored.context("count"), scored.genotypes(qc="all")) is None
    assert wanted_variants(scored.context("match"), scored.genotypes()) is None


def test_they_ascend_and_none_comes_twice(scored: ScoredRun) -> None:
    wanted = wanted_variants(scored.context("predict"), scored.genotypes())
    assert wanted is not None
    assert (np.diff(wanted) > 0).all()
