"""Small images made of noise, for steps that are compared with the library that defines them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.images.prepare.image import Image

DTYPES = ("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "int64", "float16", "float32", "float64")


def noise(*shape: int, dtype: str = "uint8", seed: int = 0) -> NDArray[Any]:
    """Smooth shapes under noise, over most of the dtype's range (floats: -1000 to 3000)."""
    rng = np.random.default_rng(seed)
    rows = np.sin(np.linspace(0, 5, shape[0])).reshape(-1, *[1] * (len(shape) - 1))
    unit = np.clip((rows + 1) / 3 + rng.random(shape) / 3, 0, 1)
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return unit > 0.5
    if kind.kind == "f":
        return (unit * 4000 - 1000).astype(kind)
    ends = np.iinfo(kind)
    return (unit * (float(ends.max) - float(ends.min)) * 0.99 + float(ends.min)).astype(kind)


def picture(pixels: NDArray[Any], value_range: tuple[float, float] | None = None, **more: Any) -> Image:
    """An image with the whole range of its dtype (floats: of its values) unless told."""
    if value_range is None:
        kind = pixels.dtype.kind
        finite = pixels[np.isfinite(pixels)] if kind == "f" else pixels
        value_range = (
            (float(np.iinfo(pixels.dtype).min), float(np.iinfo(pixels.dtype).max))
            if kind in "iu"
            else (float(finite.min(initial=0)), float(finite.max(initial=1)))
        )
    return Image(pixels, value_range, **more)
