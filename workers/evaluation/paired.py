"""Two models on the same rows: what an evaluation tells of their difference."""

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from workers.evaluation.columns import other_column, score_column, truth_column
from workers.evaluation.figure import Figure, count
from workers.evaluation.settings import EvaluateInput
from workers.statistics.bootstrap import bootstrap
from workers.statistics.comparison import mcnemar, paired_delong
from workers.statistics.confusion import Confusion
from workers.statistics.estimate import Estimate, undefined
from workers.statistics.net_benefit import net_benefit
from workers.statistics.ranks import Floats

_DRAWN_ROWS = 50_000
"""Rows up to which net benefit gets an interval by resampling."""


class PairedSums:
    """Rows that both runs scored, one by one; nothing is told of more than `exact_rows`."""

    def __init__(self, outcome: str, source: EvaluateInput) -> None:
        self._outcome = outcome
        self._source = source
        self._kept: list[pl.DataFrame] = []
        self.rows = 0
        """Rows that both scored."""

    def add(self, evaluated: pl.DataFrame) -> None:
        """Keep the rows that the other run scored as well."""
        columns = {"score": score_column, "other": other_column, "truth": truth_column}
        both = evaluated.select(pl.col(column(self._outcome)).alias(name) for name, column in columns.items())
        both = both.filter(pl.col("other").is_finite())
        self.rows += both.height
        self._kept = [*self._kept, both] if self.rows <= self._source.exact_rows else []

    def figures(self, points: Mapping[str, float]) -> Iterator[Figure]:
        """This run less the other: areas, and at each operating point who is right and what it is worth."""
        yield count("compared_rows", self.rows)
        if not self._kept:
            why = "no row that both runs scored" if not self.rows else "more rows than exact_rows"
            yield Figure("auroc_difference", undefined(why))
            return
        rows = pl.concat(self._kept)
        score, other, truth = (rows[name].to_numpy() for name in ("score", "other", "truth"))
        areas = paired_delong(score, other, truth.astype(np.int64), self._source.level)
        yield Figure("auroc_difference", areas.estimate)
        if areas.p_value is not None:
            yield Figure("auroc_difference_p_value", Estimate(areas.p_value))
        for name, threshold in points.items():
            yield from self._at(name, threshold, score, other, truth)

    def _at(self, name: str, threshold: float, score: Floats, other: Floats, truth: Floats) -> Iterator[Figure]:
        said, there, true = score >= threshold, other >= threshold, truth == 1
        for key, chosen in (("sensitivity", true), ("specificity", ~true)):
            test = mcnemar((said == true)[chosen], (there == true)[chosen])
            of = int(chosen.sum())
            if of:
                yield Figure(f"{key}_difference", Estimate((test.only_first - test.only_second) / of), name)
                yield Figure(f"{key}_difference_p_value", Estimate(test.p_value), name)
        if self._source.outcomes[self._outcome].probability and 0 <= threshold < 1 and len(score) <= _DRAWN_ROWS:

            def difference(weights: Floats) -> float:
                benefits = (net_benefit(_counts(one, true, weights), threshold) for one in (said, there))
                return next(benefits) - next(benefits)

            found = bootstrap(np.arange(len(score)), difference, draws=self._source.draws, level=self._source.level)
            yield Figure("net_benefit_difference", found, name)


def _counts(said: np.ndarray, true: np.ndarray, weights: Floats) -> Confusion:
    cells = (said & true, said & ~true, ~said & true, ~said & ~true)
    return Confusion(*(float(weights[cell].sum()) for cell in cells))
