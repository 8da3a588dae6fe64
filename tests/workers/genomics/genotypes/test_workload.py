from __future__ import annotations

import numpy as np
import pytest

from tests.support.genotype_stages import ScoredRun
from workers.genomics.genotypes.scores import Scores
from workers.genomics.genotypes.workload import Workload, load_workload


def loaded(scored: ScoredRun, **settings: str) -> Workload:
    return load_workload(scored.context("score"), scored.genotypes(**settings), "cpu", 1)


def test_the_weights_of_every_score_that_is_scored_are_loaded_and_of_no_other(scored: ScoredRun) -> None:
    scores = loaded(scored).models["pgs"]
    assert isinstance(scores, Scores)
    assert scores.weights.scores == ("A1", "A2", "B")
    assert scores.low == ["CUT", "LOW"]
    assert scores.why is not None
    assert scores.why.startswith("CUT.txt.gz: ")
    weights = scores.weights.weights
    rows = np.repeat(weights.variant_idx, np.diff(weights.offsets))
    for place, name in enumerate(("A1", "A2", "B")):
        own = weights.column == place
        known = dict(scored.weights[name].select("id", "weight").iter_rows())
        assert {f"v{row}": weight for row, weight in zip(rows[own], weights.weight[own], strict=True)} == known


def test_missing_calls_are_filled_with_twice_the_cohorts_frequency(scored: ScoredRun) -> None:
    scores = loaded(scored).models["pgs"]
    assert isinstance(scores, Scores)
    weights = scores.weights.weights
    for index, fill in zip(weights.variant_idx, weights.fill, strict=True):
        if scored.data.chrom[index] == "1":
            calls = scored.data.calls[index]
            assert fill == pytest.approx(calls[calls < 3].mean())


def test_quality_is_of_what_the_models_read_of_all_or_of_nothing(scored: ScoredRun) -> None:
    some, every = loaded(scored).qc, loaded(scored, qc="all").qc
    assert some is not None
    assert some.wanted is not None
    scores = loaded(scored).models["pgs"]
    assert isinstance(scores, Scores)
    assert some.wanted.tolist() == scores.weights.records.tolist()
    assert every is not None
    assert every.wanted is None
    assert loaded(scored, qc="none").qc is None
