"""The arithmetic of `workers.contract.Affine` on the host, in the order of operations that a device uses."""

import numpy as np

from workers.contract import Affine, Array


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


def _operand(values: tuple[float, ...]) -> Array:
    return np.asarray(values if len(values) > 1 else values[0], dtype=np.float32)
