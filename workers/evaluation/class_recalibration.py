"""Calibration of several classes together, fitted on tuning rows, and what it changes on test rows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.errors import SpecError
from workers.calibration.class_maps import LEAST, Classes, ClassMethod, fit_classes
from workers.evaluation.columns import score_column, truth_column
from workers.evaluation.figure import Figure
from workers.evaluation.settings import EvaluateInput
from workers.statistics.estimate import Estimate
from workers.statistics.ranks import Floats

Truths = NDArray[np.int64]


@dataclass(frozen=True)
class FittedClasses:
    """The map of one outcome, the rows it was fitted on, and its test rows as they came."""

    map: Classes
    rows: int
    scores: Floats
    truth: Truths

    def figures(self, point: str) -> Iterator[Figure]:
        """How far probabilities are from what came true, before and after: smaller is better."""
        for at, scores in (("", self.scores), (point, _as_written(self.map, self.scores))):
            true = scores[np.arange(len(self.truth)), self.truth]
            squares = (scores**2).sum(axis=1) - 2 * true + 1
            yield Figure("log_loss", Estimate(float(-np.log(np.maximum(true, LEAST)).mean())), at)
            yield Figure("classes_brier", Estimate(float(squares.mean())), at)

    def told(self) -> dict[str, Any]:
        """For `metrics.json`, with the keys of a binary outcome."""
        return {
            "method": self.map.method,
            "by": None,
            "unseen": "pooled",
            "fitted_on": {"part": "tuning", "rows": self.rows},
            "maps": 1,
            "values_without_map": 0,
            "test_rows": {"pooled": len(self.truth)},
        }


@dataclass
class ClassRecalibration:
    """Adds up the rows of one outcome: they are kept, up to `exact_rows` of each part."""

    outcome: str
    source: EvaluateInput
    method: ClassMethod
    _parts: tuple[list[pl.DataFrame], list[pl.DataFrame]] = field(default_factory=lambda: ([], []))

    def add(self, tuned: pl.DataFrame, tested: pl.DataFrame) -> None:
        """Joined rows of the tuning part and of the test part that have scores and a truth."""
        columns = [score_column(self.outcome, name) for name in self.source.outcomes[self.outcome].scores]
        for rows, kept in zip((tuned, tested), self._parts, strict=True):
            if sum(part.height for part in kept) + rows.height > self.source.exact_rows:
                raise SpecError(
                    f"input.calibration: outcome {self.outcome} has more than exact_rows "
                    f"({self.source.exact_rows:,}) rows of a part: raise it, or name fewer in tuning and test"
                )
            kept.append(rows.select(*columns, truth_column(self.outcome)))

    def fitted(self) -> FittedClasses:
        """Raises SpecError, saying why, where the tuning rows carry no such map."""
        (scores, truth), (tested, true) = (_arrays(pl.concat(kept)) for kept in self._parts)
        try:
            found = fit_classes(self.method, scores, truth)
        except ValueError as error:
            raise SpecError(
                f"input.calibration: outcome {self.outcome}, tuning rows: {error}; or correct input.tuning"
            ) from None
        return FittedClasses(found, len(truth), tested, true)


def _arrays(rows: pl.DataFrame) -> tuple[Floats, Truths]:
    values = rows.to_numpy().astype(np.float64)
    return values[:, :-1], values[:, -1].astype(np.int64)


def _as_written(through: Classes, scores: Floats) -> Floats:
    """Calibrated scores as rows have them, float32."""
    return through.apply(scores).astype(np.float32).astype(np.float64)
