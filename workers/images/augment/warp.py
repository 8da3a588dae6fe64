"""One resampling for all geometric steps that stand together."""

from collections.abc import Sequence

import numpy as np

from workers.contract import Array
from workers.images.augment.base import Border
from workers.images.prepare.libraries import opencv
from workers.images.prepare.pixels import by_plane, filterable

_CHANNELS = 4
"""As many as OpenCV gives a border of its own value at once."""


def warped(pixels: Array, back: Array, border: Border) -> Array:
    """`pixels` resampled, linear between neighbours, integers rounded to nearest.

    `back` is (3, 3): where a pixel of the result comes from, (column, row, 1) from the middle of the image; the middle
    lies between pixels where a side is even. OpenCV from version 5 on is as exact as float32 is; before, it knows
    places to a 32nd of a pixel.
    """
    if np.array_equal(back, np.eye(3)):
        return pixels
    source = filterable(pixels)
    if source.ndim == 3 and source.shape[2] > _CHANNELS:
        found = by_plane(source, lambda plane: _plane(plane, back, border))
    else:
        found = _plane(source, back, border)
    return np.ascontiguousarray(found.reshape(pixels.shape).astype(pixels.dtype, copy=False))


def together(backs: Sequence[Array]) -> Array:
    """The way back through all of them, the first one that was done first."""
    found = np.eye(3)
    for back in backs:
        found = found @ back
    return found


def _plane(pixels: Array, back: Array, border: Border) -> Array:
    cv2 = opencv()
    rows, columns = pixels.shape[:2]
    middle = np.array([[1.0, 0.0, (columns - 1) / 2], [0.0, 1.0, (rows - 1) / 2], [0.0, 0.0, 1.0]])
    matrix = (middle @ back @ np.linalg.inv(middle))[:2]
    modes = {"edge": cv2.BORDER_REPLICATE, "reflect": cv2.BORDER_REFLECT_101, "lowest": cv2.BORDER_CONSTANT}
    found: Array = cv2.warpAffine(
        pixels,
        matrix,
        (columns, rows),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=modes[border],
        borderValue=(float(pixels.min()),) * 4 if border == "lowest" else 0,
    )
    return found
