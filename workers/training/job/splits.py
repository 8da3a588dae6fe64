"""Splits by a hash: who is where follows from its id alone, on every machine and whoever else is there."""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from workers.training.job.settings import PARTS, Splits


def parts_by_hash(units: Iterable[str], splits: Splits) -> list[str]:
    """The split of each person, or of each record that is nobody's, by `shares` and `seed`."""
    ends = np.cumsum([getattr(splits.shares, part) for part in PARTS[:-1]])
    at = [_place(splits.seed, unit) for unit in units]
    return [PARTS[int(place)] for place in np.searchsorted(ends, at, side="right")]


def dealt(units: Sequence[str], strata: Sequence[str], folds: int, seed: int) -> list[int]:
    """The fold of each record, from 1 on: all of one unit are in one, and folds have as many units of each stratum, but
    for one. Within a stratum the order is that of the units' hashes. A unit is of its records' largest stratum."""
    of_unit: dict[str, str] = {}
    for unit, stratum in zip(units, strata, strict=True):
        of_unit[unit] = max(of_unit.get(unit, stratum), stratum)
    order = sorted(of_unit, key=lambda unit: (of_unit[unit], _place(seed, unit), unit))
    fold = {unit: place % folds + 1 for place, unit in enumerate(order)}
    return [fold[unit] for unit in units]


def _place(seed: int, unit: str) -> float:
    """From 0 to below 1."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{unit}".encode()).digest()[:6], "big") / 2**48
