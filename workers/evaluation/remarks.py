"""What no reader of an evaluation may overlook: columns that tell the truth, one class alone, persons in two parts."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from schemas.plan import PlanInfo, spread
from schemas.wording import counted
from workers.evaluation.columns import PART, SUBJECT, TEST, TUNING, side_column, truth_column
from workers.evaluation.settings import EvaluateInput
from workers.labels.leaks import leaks

_MOST = 50_000
"""Rows whose columns are looked at."""
_SIDE = side_column("")


def looked_at(plan: PlanInfo) -> list[int]:
    """Numbers of the shards, spread over all, whose columns are looked at."""
    return [int(shard) for shard in spread(plan.shards, max(1, _MOST // plan.shard_records))]


class Remarks:
    """Adds up joined rows. What it keeps of each is its person's hash, and of some the columns beside."""

    def __init__(self, source: EvaluateInput) -> None:
        self._source = source
        self._kept: list[pl.DataFrame] = []
        self._persons: dict[str, list[np.ndarray]] = {TEST: [], TUNING: []}
        self._truths: dict[str, set[float]] = {}

    def add(self, rows: pl.DataFrame) -> None:
        """Joined rows of one file."""
        for part, seen in self._persons.items() if self._source.tuning else ():
            seen.append(rows.filter(pl.col(PART) == part)[SUBJECT].drop_nulls().unique().hash(seed=7).to_numpy())
        for name, outcome in self._source.outcomes.items():
            if outcome.task == "binary":
                tested = rows.filter(pl.col(PART) == TEST)[truth_column(name)]
                self._truths.setdefault(name, set()).update(tested.drop_nulls().unique().to_list())
        if any(column.startswith(_SIDE) for column in rows.columns):
            self._kept.append(rows)

    def found(self) -> list[dict[str, Any]]:
        """Each as `metrics.json` has it: `outcome`, `column`, `figure` and `value` where it is of one, `remark`."""
        return [*self._torn(), *self._of_one_class(), *self._told()]

    def _torn(self) -> Iterator[dict[str, Any]]:
        test, tuning = (np.concatenate([np.zeros(0, np.uint64), *seen]) for seen in self._persons.values())
        both = len(np.intersect1d(test, tuning))
        if both:
            yield _remark(
                f"{counted(both, 'person')} {'has' if both == 1 else 'have'} tuning rows and test rows: thresholds and "
                "calibrations that are chosen on the first look better on the second than on others",
                figure="persons",
                value=float(both),
            )

    def _of_one_class(self) -> Iterator[dict[str, Any]]:
        for name, truths in self._truths.items():
            if len(truths) == 1:
                only = "positive" if truths == {1.0} else "negative"
                yield _remark(
                    f"outcome {name}: all test rows with a truth are {only}, so that no area is defined: look at "
                    "`truth`, `positive` and `negative`",
                    outcome=name,
                )

    def _told(self) -> Iterator[dict[str, Any]]:
        if not self._kept:
            return
        rows = pl.concat(self._kept, how="vertical_relaxed").head(_MOST)
        beside = {column.removeprefix(_SIDE): rows[column] for column in rows.columns if column.startswith(_SIDE)}
        for name, outcome in self._source.outcomes.items():
            if outcome.task in ("entities", "segmentation"):
                continue
            classes = {"binary": 2, "number": 0}.get(outcome.task, len(outcome.scores))
            for leak in leaks(rows[truth_column(name)], classes, beside, rows[SUBJECT]):
                yield _remark(
                    leak.told(f"outcome {name}"),
                    outcome=name,
                    column=leak.column,
                    figure=leak.figure,
                    value=round(leak.value, 9),
                )


def _remark(text: str, **of: Any) -> dict[str, Any]:
    return {"outcome": None, "column": None, "figure": None, "value": None, **of, "remark": text}
