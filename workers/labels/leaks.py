"""Columns beside the labels that tell what is true: made of it, or of how the rows were gathered."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.labels.matching import as_numbers
from workers.statistics.discrimination import auroc
from workers.statistics.ranks import Floats, rank

LEAST = 0.99
"""From this area, or rank correlation of a number, on a column is named."""
FEWEST = 10
"""Rows that each class needs to be looked at: of fewer, chance alone ranks some column so."""
_FOLDS = 5
_FIGURES = {"area": "AUROC", "correlation": "correlation"}


@dataclass(frozen=True)
class Leak:
    """`column` tells the truth `value` well: by the area under the ROC curve, or its correlation with a number."""

    column: str
    figure: str
    value: float

    def told(self, of: str) -> str:
        """In words. `of`: what is told, such as `outcome sick`."""
        return (
            f"column {self.column!r} tells {of} by itself ({_FIGURES[self.figure]} {self.value:.3f}): it is made of "
            "what is true, or goes with how the rows were gathered; look whether a model can see it"
        )


def leaks(truth: pl.Series, classes: int, columns: Mapping[str, pl.Series], persons: pl.Series) -> list[Leak]:
    """The columns that tell `truth` (Float64, null where it is not known): by their number, or by what most rows of
    other persons with the same value have, where a value that nobody else has, and a missing one, count too.

    `classes`: 2 where it is 0 or 1, more for classes from 0 on, each against the rest, 0 for a number. `persons` are
    ids; a row without one is a person of its own. Of fewer rows than `FEWEST` of each class nothing is told, nor of a
    column of bytes, lists or structures.
    """
    known = truth.is_not_null().to_numpy()
    values = truth.filter(known).to_numpy().astype(np.float64)
    folds = _numbered(persons.filter(known)) % _FOLDS
    sides = _sides(values, classes)
    if not sides:
        return []
    figure = "area" if classes else "correlation"
    found = []
    for name, column in columns.items():
        if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
            continue
        here = _plain(column.filter(known))
        by_number = as_numbers(here).to_numpy()
        best = max(_told(by_number, sides, classes), _by_value(here, folds, sides, classes))
        if best >= LEAST:
            found.append(Leak(name, figure, best))
    return found


def _plain(column: pl.Series) -> pl.Series:
    """The same as text or numbers, where polars makes neither of its type."""
    if column.dtype == pl.Duration:
        return column.cast(pl.Int64)
    return column.cast(pl.String) if column.dtype in (pl.Categorical, pl.Enum) else column


def _sides(values: Floats, classes: int) -> list[Floats]:
    """What each class is against: 1 or 0 a row; a number as it is. Empty where rows are too few."""
    if not classes:
        return [values] if len(values) >= 2 * FEWEST and np.ptp(values) > 0 else []
    sides = [(values == one).astype(np.float64) for one in ([1] if classes == 2 else range(classes))]
    enough = [side for side in sides if FEWEST <= side.sum() <= len(side) - FEWEST]
    return enough if len(enough) == len(sides) else []


def _told(scores: Floats, sides: list[Floats], classes: int) -> float:
    """How well these numbers, NaN left out, tell the sides apart: the mean over them; 0 where too few have one."""
    there = ~np.isnan(scores)
    found = []
    for side in sides:
        here = side[there]
        if classes and not FEWEST <= here.sum() <= len(here) - FEWEST:
            return 0.0
        found.append(_area(scores[there], here) if classes else _correlation(scores[there], here))
    return float(np.mean(found))


def _by_value(column: pl.Series, folds: NDArray[np.int64], sides: list[Floats], classes: int) -> float:
    """The same of the mean truth that rows of other folds with the same value have."""
    values = _numbered(column.cast(pl.String), apart=False)
    return float(np.mean([_told(_elsewhere(values, folds, side), [side], classes) for side in sides]))


def _elsewhere(values: NDArray[np.int64], folds: NDArray[np.int64], truth: Floats) -> Floats:
    """For each row: the mean truth of rows with its value in other folds, drawn to the mean of all by one row."""
    size = (_FOLDS, int(values.max()) + 1)
    place = folds * size[1] + values
    sums = np.bincount(place, truth, size[0] * size[1]).reshape(size)
    rows = np.bincount(place, minlength=size[0] * size[1]).reshape(size)
    return np.asarray(
        ((sums.sum(0) - sums)[folds, values] + truth.mean()) / ((rows.sum(0) - rows)[folds, values] + 1), np.float64
    )


def _area(scores: Floats, truth: Floats) -> float:
    area = auroc(rank(scores, truth.astype(np.int64))).value
    return 0.0 if area is None else max(area, 1 - area)


def _correlation(scores: Floats, truth: Floats) -> float:
    """Spearman's, without its sign."""
    if len(scores) < 2 * FEWEST or np.ptp(scores) == 0 or np.ptp(truth) == 0:
        return 0.0
    ranks = np.stack([pl.Series(one).rank().to_numpy() for one in (scores, truth)])
    return float(abs(np.corrcoef(ranks)[0, 1]))


def _numbered(values: pl.Series, *, apart: bool = True) -> NDArray[np.int64]:
    """From 0 on; nulls each of its own where they stand `apart`, else all the same."""
    own = pl.Series(np.arange(len(values)))
    table = pl.DataFrame({"value": values, "own": own if apart else own * 0})
    keyed = table.select("value", pl.when(pl.col("value").is_null()).then("own").alias("own"))
    return keyed.select(pl.struct("value", "own").rank("dense")).to_series().cast(pl.Int64).to_numpy() - 1
