"""What the fits of a training came to: by point of its search, and over its folds. Imports no torch."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from statistics import fmean, stdev
from typing import Any

import polars as pl

from schemas.canonical import canonical_json
from workers.training.job.search import points_of
from workers.training.job.settings import TrainKeys
from workers.training.metric import is_better

Rows = Sequence[Mapping[str, Any]]
"""As the table `fits by seed` has them."""


def search_table(fits: Rows, source: TrainKeys) -> list[dict[str, Any]]:
    """A row a point of the search, in its order: settings as JSON, mean and standard deviation of the tuning metric
    over folds, or over seeds where there are no folds; null where one of its fits has no value. The best mean is
    `chosen`, of equal ones the first."""
    rows: list[dict[str, Any]] = []
    best: int | None = None
    for number, point in enumerate(points_of(source), 1):
        own = [fit for fit in fits if fit["point"] == number]
        mean, deviation = _spread(_units(own))
        if best is None or is_better(own[0]["metric"], _number(mean), _number(rows[best]["mean"])):
            best = len(rows)
        rows.append(
            {
                "point": number,
                "settings": canonical_json(dict(point)),
                "metric": own[0]["metric"],
                "mean": mean,
                "deviation": deviation,
                "fits": len(own),
                "chosen": False,
            }
        )
    if best is not None:
        rows[best]["chosen"] = True
    return rows


def chosen_point(fits: Rows, source: TrainKeys) -> int | None:
    """The number of the point that becomes the model; None without a search."""
    return next((row["point"] for row in search_table(fits, source) if row["chosen"]), None) if source.search else None


def folds_table(fits: Rows) -> list[dict[str, Any]]:
    """One row: mean, standard deviation, lowest and highest of the metric over the held-out folds; of several seeds a
    fold counts with their mean."""
    units = _units(fits)
    mean, deviation = _spread(units)
    known = [value for value in units if value is not None]
    return [
        {
            "metric": fits[0]["metric"],
            "folds": len(units),
            "mean": mean,
            "deviation": deviation,
            "lowest": min(known, default=None),
            "highest": max(known, default=None),
        }
    ]


def search_frame(table: Rows, source: TrainKeys) -> pl.DataFrame:
    """The table of a search with a column a key: numbers as numbers, anything else as its JSON."""
    points = points_of(source)
    keys = {key: _column([point[key] for point in points]) for key in source.search}
    own = pl.DataFrame(list(table)).drop("settings")
    return pl.DataFrame({"point": own["point"], **keys}).with_columns(own.drop("point"))


def _column(values: Sequence[Any]) -> Sequence[Any]:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return [float(value) for value in values] if numbers else [canonical_json(value) for value in values]


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _units(fits: Rows) -> list[float | None]:
    """A value a fold, or a seed."""
    if all(fit.get("fold") is None for fit in fits):
        return [fit["tuning"] for fit in fits]
    by_fold = groupby(sorted(fits, key=lambda fit: fit["fold"]), key=lambda fit: fit["fold"])
    return [_spread([fit["tuning"] for fit in own])[0] for _, own in by_fold]


def _spread(values: Iterable[float | None]) -> tuple[float | None, float | None]:
    found = list(values)
    known = [value for value in found if value is not None]
    if not found or len(known) < len(found):
        return None, None
    return fmean(known), stdev(known) if len(known) > 1 else None
