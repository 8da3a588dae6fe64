"""Placing pixels on a larger canvas of one value."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.prepare.base import MAX_PIXELS, PrepareStep
from workers.images.prepare.pixels import fits

Side = Annotated[int, Field(ge=1, le=MAX_PIXELS)]
Size = tuple[Side, Side]
"""Rows, columns."""

Anchor = Literal["center", "top_left"]


def placed(step: PrepareStep, pixels: Array, size: Size, value: float, anchor: Anchor) -> Array:
    """`pixels` on a canvas of `size` filled with `value`, in its middle or its top left corner.

    An odd rest goes to the bottom and right. Rejects a value that the dtype cannot hold.
    """
    (height, width), (rows, columns) = pixels.shape[:2], size
    if (height, width) == (rows, columns):
        return pixels
    canvas = blank(step, pixels, size, value)
    top, left = ((rows - height) // 2, (columns - width) // 2) if anchor == "center" else (0, 0)
    canvas[top : top + height, left : left + width] = pixels
    return canvas


def blank(step: PrepareStep, like: Array, size: Size, value: float) -> Array:
    """A canvas of `size` with the dtype and channels of `like`, filled with `value`, which the dtype must hold."""
    if not fits(value, like.dtype):
        raise step.reject(f"pixels of {like.dtype} cannot hold the pad value {value:g}")
    step.require_size(*size)
    return np.full((*size, *like.shape[2:]), value, like.dtype)
