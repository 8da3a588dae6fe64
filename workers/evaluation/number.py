"""Every figure of a predicted number in one group of rows."""

from collections.abc import Iterator

from workers.evaluation.figure import Figure, count
from workers.statistics import regression
from workers.statistics.estimate import Estimate, undefined
from workers.statistics.regression import Moments


def number_figures(found: Moments, level: float) -> Iterator[Figure]:
    """From sums that add up: the same however many rows there are."""
    yield count("rows", found.rows)
    yield Figure("bias", regression.bias(found, level))
    yield Figure("mean_absolute_error", regression.mean_absolute_error(found))
    yield Figure("root_mean_squared_error", regression.root_mean_squared_error(found))
    yield Figure("r_squared", regression.determination(found))
    yield Figure("pearson", regression.pearson(found, level))
    yield Figure("concordance", regression.concordance(found))
    low, high = regression.limits_of_agreement(found) if found.rows > 1 else (None, None)
    agreement = undefined("fewer than two rows") if low is None else Estimate(regression.bias(found).value, low, high)
    yield Figure("limits_of_agreement", agreement)
