"""Every figure of a predicted number in one group of rows."""

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from workers.evaluation.columns import score_column, truth_column
from workers.evaluation.figure import Figure, count
from workers.evaluation.settings import EvaluateInput
from workers.statistics import regression
from workers.statistics.estimate import Estimate, undefined
from workers.statistics.regression import moments


class NumberSums:
    """Sums that add up: the same however many rows there are."""

    def __init__(self, outcome: str, source: EvaluateInput) -> None:
        self._outcome = outcome
        self._level = source.level
        self._moments = moments(np.zeros(0), np.zeros(0))

    def add(self, evaluated: pl.DataFrame, unscored: pl.DataFrame) -> None:
        """Add these rows."""
        truth, predicted = (
            evaluated[column(self._outcome)].to_numpy().astype(np.float64) for column in (truth_column, score_column)
        )
        self._moments += moments(truth, predicted)

    def figures(self, points: Mapping[str, float]) -> list[Figure]:
        """All of them."""
        return list(self._figures())

    def ranks(self) -> None:
        """A number has no ranking."""
        return

    def _figures(self) -> Iterator[Figure]:
        found = self._moments
        yield count("rows", found.rows)
        yield Figure("bias", regression.bias(found, self._level))
        yield Figure("mean_absolute_error", regression.mean_absolute_error(found))
        yield Figure("root_mean_squared_error", regression.root_mean_squared_error(found))
        yield Figure("r_squared", regression.determination(found))
        yield Figure("pearson", regression.pearson(found, self._level))
        yield Figure("concordance", regression.concordance(found))
        low, high = regression.limits_of_agreement(found) if found.rows > 1 else (None, None)
        agreement = (
            undefined("fewer than two rows") if low is None else Estimate(regression.bias(found).value, low, high)
        )
        yield Figure("limits_of_agreement", agreement)
