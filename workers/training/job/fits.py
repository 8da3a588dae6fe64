"""The single fits that a training consists of: points of a search, folds, seeds. Imports no torch."""

import math
from dataclasses import dataclass

from schemas.errors import SpecError
from workers.training.job.search import points_of
from workers.training.job.settings import TrainKeys

MOST = 10_000
"""Fits of one training."""


@dataclass(frozen=True)
class Fit:
    """One network. `fold` is the one that is held out, `point` that of the search, both from 1 on; None without."""

    seed: int
    fold: int | None = None
    point: int | None = None

    @property
    def name(self) -> str:
        """By which its states, its row and its files are known."""
        parts = (("point", self.point), ("fold", self.fold), ("seed", self.seed))
        return "-".join(f"{what}-{number}" for what, number in parts if number is not None)


def fits_of(source: TrainKeys) -> tuple[Fit, ...]:
    """All of them, in the order in which they are planned."""
    points: list[int | None] = list(range(1, len(points_of(source)) + 1)) if source.search else [None]
    folds: list[int | None] = [None] if source.folds is None else list(range(1, source.folds + 1))
    return tuple(Fit(seed, fold, point) for point in points for fold in folds for seed in source.seeds)


def check_number(source: TrainKeys) -> None:
    """Raises SpecError for more fits than a training may have, before its points are looked at one by one."""
    points = math.prod(len(values) for values in source.search.values())
    folds, seeds = source.folds or 1, len(source.seeds)
    count = points * folds * seeds
    if count > MOST:
        raise SpecError(
            f"input: {points:,} points, {folds} folds and {seeds} seeds are {count:,} fits, and one training has "
            f"{MOST:,} at most"
        )
