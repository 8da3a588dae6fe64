"""Splits by a hash: who is where follows from its id alone, on every machine and whoever else is there."""

import hashlib
from collections.abc import Iterable

import numpy as np

from workers.training.job.settings import PARTS, Splits


def parts_by_hash(units: Iterable[str], splits: Splits) -> list[str]:
    """The split of each person, or of each record that is nobody's, by `shares` and `seed`."""
    ends = np.cumsum([getattr(splits.shares, part) for part in PARTS[:-1]])
    at = [_place(splits.seed, unit) for unit in units]
    return [PARTS[int(place)] for place in np.searchsorted(ends, at, side="right")]


def _place(seed: int, unit: str) -> float:
    """From 0 to below 1."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{unit}".encode()).digest()[:6], "big") / 2**48
