"""Contrast steps on colour: on the lightness of 8 bit RGB, so that hues stay."""

from collections.abc import Callable

import numpy as np

from workers.contract import Array
from workers.images.prepare.base import PrepareStep, replaced
from workers.images.prepare.image import Image
from workers.images.prepare.libraries import opencv


def on_lightness(step: PrepareStep, image: Image, function: Callable[[Array], Array]) -> Image:
    """The image after `function` of its one channel, or of L of its three in CIE L*a*b* (OpenCV's 8 bit conversion).

    Rejects dtypes other than uint8 and uint16, 16 bit colour, and any other number of channels.
    `value_range` becomes that of the dtype.
    """
    pixels = image.pixels
    if pixels.dtype not in (np.uint8, np.uint16):
        raise step.reject(f"needs uint8 or uint16 pixels, has {pixels.dtype}: put `to_uint8` or `cast` before it")
    return replaced(image, _contrasted(step, pixels, function), value_range=(0.0, float(np.iinfo(pixels.dtype).max)))


def _contrasted(step: PrepareStep, pixels: Array, function: Callable[[Array], Array]) -> Array:
    if pixels.ndim == 2:
        return function(np.ascontiguousarray(pixels))
    if pixels.shape[2] == 1:
        return function(np.ascontiguousarray(pixels[:, :, 0]))[:, :, np.newaxis]
    if pixels.shape[2] != 3:
        raise step.reject(f"needs 1 or 3 channels, has {pixels.shape[2]}: put `channels` before it")
    if pixels.dtype != np.uint8:
        raise step.reject("colour needs 8 bit pixels: put `to_uint8` before it")
    cv2 = opencv()
    lab = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2LAB)
    lab[:, :, 0] = function(np.ascontiguousarray(lab[:, :, 0]))
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))
