"""The arithmetic of `workers.contract.Affine` on the host, in the order of operations that a device uses."""

import numpy as np

from workers.contract import Affine, Array
from workers.images.prepare.image import Range


def apply_affine(pixels: Array, affine: Affine) -> Array:
    """`(pixels * scale - mean) / std`, each operation rounded to float32.

    `pixels` is (rows, columns) or (rows, columns, channels); `mean` and `std` have one value or one a channel.
    A new float32 array.
    """
    result = pixels.astype(np.float32)
    if affine.scale != 1.0:
        result *= np.float32(affine.scale)
    if any(affine.mean):
        result -= _operand(affine.mean)
    if any(std != 1.0 for std in affine.std):
        result /= _operand(affine.std)
    return result


def range_after(affine: Affine, value_range: Range) -> Range:
    """The smallest and largest value that any channel can take."""
    channels = max(len(affine.mean), len(affine.std))
    ends = apply_affine(np.repeat(np.array([[value_range]]).T, channels, axis=2), affine)
    return float(ends.min()), float(ends.max())


def range_before(affine: Affine, value_range: Range) -> Range:
    """The range that `range_after` leads to `value_range`; of channels with unlike numbers what all have in common."""
    ends = np.array(value_range)[:, None] * np.array(affine.std) + np.array(affine.mean)
    ends = np.sort(ends / affine.scale, axis=0)
    return float(ends[0].max()), float(ends[1].min())


def _operand(values: tuple[float, ...]) -> Array:
    return np.asarray(values if len(values) > 1 else values[0], dtype=np.float32)
