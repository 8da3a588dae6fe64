"""Resampling by OpenCV, and by Pillow as the PIL image processors of transformers do it."""

import functools
from typing import Literal

import numpy as np

from workers.contract import Array
from workers.images.prepare.libraries import opencv, pillow
from workers.images.prepare.pixels import on_grey, repeated

Method = Literal["nearest", "bilinear", "area", "cubic", "lanczos", "hamming"]
Library = Literal["opencv", "pillow"]

_OPENCV = {
    "nearest": "INTER_NEAREST",
    "bilinear": "INTER_LINEAR",
    "area": "INTER_AREA",
    "cubic": "INTER_CUBIC",
    "lanczos": "INTER_LANCZOS4",
}
_PILLOW = {
    "nearest": "NEAREST",
    "bilinear": "BILINEAR",
    "area": "BOX",
    "cubic": "BICUBIC",
    "lanczos": "LANCZOS",
    "hamming": "HAMMING",
}
_OPENCV_TYPES = {np.dtype(name) for name in ("uint8", "uint16", "int16", "float32")}


def resampled(pixels: Array, rows: int, columns: int, method: Method, library: Library) -> Array:
    """(r, c) or (r, c, channels) as (rows, columns) or (rows, columns, channels), each channel on its own.

    OpenCV keeps uint8, uint16, int16 and float32; Pillow keeps uint8; all else becomes float32. Integers are rounded
    and saturated by the library; cubic, lanczos and hamming may overshoot on floats.
    """
    if pixels.shape[:2] == (rows, columns) and pixels.dtype in (np.uint8, np.float32):
        return pixels
    resize = _by_opencv if library == "opencv" else _by_pillow
    one = functools.partial(resize, rows=rows, columns=columns, method=method)
    return on_grey(pixels, one, one)


def _by_opencv(pixels: Array, rows: int, columns: int, method: Method) -> Array:
    cv2 = opencv()
    source = np.ascontiguousarray(pixels, dtype=pixels.dtype if pixels.dtype in _OPENCV_TYPES else np.float32)
    result = cv2.resize(source, (columns, rows), interpolation=getattr(cv2, _OPENCV[method]))
    return np.asarray(result).reshape(rows, columns, *pixels.shape[2:])


def _by_pillow(pixels: Array, rows: int, columns: int, method: Method) -> Array:
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        return repeated(_by_pillow(pixels[:, :, 0], rows, columns, method), 1)
    if pixels.ndim == 3 and (pixels.shape[2] != 3 or pixels.dtype != np.uint8):
        planes = [_by_pillow(pixels[:, :, i], rows, columns, method) for i in range(pixels.shape[2])]
        return np.stack(planes, axis=2)
    module = pillow()
    source = np.ascontiguousarray(pixels, dtype=np.uint8 if pixels.dtype == np.uint8 else np.float32)
    resize = module.fromarray(source).resize
    return np.asarray(resize((columns, rows), resample=getattr(module.Resampling, _PILLOW[method])))
