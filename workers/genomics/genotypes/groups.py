"""Scores that count the same alleles of the same variants, and those that are not scored at all."""

from collections.abc import Sequence

import polars as pl

from workers.finished_runs.stage import FinishedStage
from workers.genomics.genotypes.earlier import all_rows
from workers.genomics.genotypes.layout import MATCH

OK = "ok"


def summary(match: FinishedStage) -> pl.DataFrame:
    """What matching says of every score and panel, in the order of the models."""
    return all_rows(match, ["model", "score", "verdict", "alleles", "matched", "n_variants", "entries_key"])


def groups_of(finished: Sequence[FinishedStage]) -> dict[str, dict[str, int]]:
    """The group of each score that is scored, by model: its place in the lists of counts. Groups are in the order of
    their first score."""
    (match,) = (stage for stage in finished if stage.run.stage == MATCH)
    found: dict[str, dict[str, int]] = {}
    known: dict[str, dict[str, int]] = {}
    for row in summary(match).iter_rows(named=True):
        groups = found.setdefault(row["model"], {})
        if row["verdict"] == OK and row["alleles"] is not None:
            numbers = known.setdefault(row["model"], {})
            groups[row["score"]] = numbers.setdefault(row["alleles"], len(numbers))
    return found
