"""Values of an image as shares of its own range, and back to its type."""

import numpy as np

from workers.contract import Array
from workers.images.prepare.pixels import limits


def own_range(pixels: Array) -> tuple[float, float]:
    """Smallest value, and how far the largest is from it; 0 where all are the same."""
    low, high = limits(pixels)
    return low, high - low


def as_type(values: Array, dtype: np.dtype[np.generic]) -> Array:
    """float values as `dtype`: integers rounded, half to even, and held to what the type has."""
    if dtype.kind == "f":
        return values.astype(dtype, copy=False)
    ends = np.iinfo(dtype)  # type: ignore[type-var]  # the kinds left are integers
    return np.clip(np.rint(values), ends.min, ends.max).astype(dtype)
