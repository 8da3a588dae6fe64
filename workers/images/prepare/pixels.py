"""Helpers on pixel arrays that several steps share."""

from collections.abc import Callable

import numpy as np

from workers.contract import Array
from workers.images.prepare.image import Image

_TABLE_TYPES = {np.dtype(np.uint8), np.dtype(np.int8), np.dtype(np.uint16), np.dtype(np.int16)}
_FILTER_TYPES = {np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.int16), np.dtype(np.float32)}


def map_values(pixels: Array, function: Callable[[Array], Array]) -> Array:
    """`function`, elementwise on float64, of every pixel; by a table where that is shorter than the image."""
    if pixels.dtype not in _TABLE_TYPES:
        return function(pixels.astype(np.float64))
    unsigned = _unsigned(pixels)
    values = _all_values(pixels.dtype)
    if pixels.size <= values.size:
        return function(pixels.astype(np.float64))
    return np.take(function(values.astype(np.float64)), unsigned)


def histogram(pixels: Array) -> tuple[Array, Array] | None:
    """All values that the dtype has, ascending, and how often each occurs; None for types of more than 16 bit.

    None also for an image with fewer pixels than that, where looking at the pixels is shorter.
    """
    if pixels.dtype not in _TABLE_TYPES or pixels.size <= 2 ** (8 * pixels.dtype.itemsize):
        return None
    values = _all_values(pixels.dtype)
    counts = np.bincount(_unsigned(pixels).ravel(), minlength=values.size)
    half = values.size // 2 if pixels.dtype.kind == "i" else 0
    return np.roll(values, half), np.roll(counts, half)


def filterable(pixels: Array) -> Array:
    """Pixels of a dtype that OpenCV filters: uint8, uint16, int16 and float32 stay.

    int8 becomes int16, without loss; all else becomes float32.
    """
    if pixels.dtype not in _FILTER_TYPES:
        pixels = pixels.astype(np.int16 if pixels.dtype == np.int8 else np.float32)
    return np.ascontiguousarray(pixels)


def by_plane(pixels: Array, function: Callable[[Array], Array]) -> Array:
    """`function` of each channel on its own, as (rows, columns)."""
    if pixels.ndim == 2:
        return function(np.ascontiguousarray(pixels))
    return on_grey(pixels, lambda plane: by_plane(plane, function), lambda planes: _stack(planes, function))


def on_grey(pixels: Array, grey: Callable[[Array], Array], colour: Callable[[Array], Array]) -> Array:
    """`grey` of one plane where all channels are views of it (see `repeated`), else `colour` of all channels."""
    if pixels.ndim == 3 and pixels.strides[2] == 0:
        return repeated(grey(pixels[:, :, 0]), pixels.shape[2])
    return colour(pixels)


def repeated(plane: Array, channels: int) -> Array:
    """(rows, columns) as (rows, columns, channels) without a copy: every channel is a view of the plane."""
    return np.broadcast_to(plane[:, :, np.newaxis], (*plane.shape, channels))


def limits(pixels: Array) -> tuple[float, float]:
    """Smallest and largest pixel."""
    return float(pixels.min()), float(pixels.max())


def rescaled_spacing(image: Image, rows: int, columns: int) -> tuple[float, float] | None:
    """The spacing of `image` once it is resampled to `rows` x `columns` over the same field of view."""
    if image.spacing is None:
        return None
    height, width = image.pixels.shape[:2]
    return image.spacing[0] * height / rows, image.spacing[1] * width / columns


def fits(value: float, dtype: np.dtype[np.generic]) -> bool:
    """Whether `dtype` holds `value` without rounding (floats: at all)."""
    if dtype.kind == "f":
        return True
    info = np.iinfo(dtype)  # type: ignore[type-var]  # the kinds left are integers
    return float(value).is_integer() and info.min <= value <= info.max


def _unsigned(pixels: Array) -> Array:
    return pixels.view(np.uint8 if pixels.dtype.itemsize == 1 else np.uint16)


def _all_values(dtype: np.dtype[np.generic]) -> Array:
    """Every value of an integer type of 8 or 16 bit, in the order of its bits read as unsigned."""
    return np.arange(2 ** (8 * dtype.itemsize), dtype=f"u{dtype.itemsize}").view(dtype)


def _stack(pixels: Array, function: Callable[[Array], Array]) -> Array:
    return np.stack([function(np.ascontiguousarray(pixels[:, :, i])) for i in range(pixels.shape[2])], axis=2)
