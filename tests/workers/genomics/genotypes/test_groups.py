from __future__ import annotations

import polars as pl

from tests.support.genotype_stages import ScoredRun
from workers.genomics.genotypes.groups import groups_of, summary


def test_scores_that_count_the_same_alleles_have_one_group_and_those_that_are_not_scored_have_none(
    scored: ScoredRun,
) -> None:
    finished = [scored.finished("match"), scored.finished("count")]
    assert groups_of(finished) == {"pgs": {"A1": 0, "A2": 0, "B": 1}}


def test_the_summary_says_of_every_score_whether_it_is_scored(scored: ScoredRun) -> None:
    table = summary(scored.finished("match"))
    assert dict(table.select("score", "verdict").iter_rows()) == {
        "A1": "ok", "A2": "ok", "B": "ok", "CUT": "unreadable", "LOW": "low_overlap"
    }  # fmt: skip
    same, other = (
        table.filter(pl.col("score").is_in(names))["alleles"].n_unique() for names in (["A1", "A2"], ["A1", "B"])
    )
    assert (same, other) == (1, 2)
