"""`channels`: the number of channels that a network takes."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.prepare.base import PrepareStep, replaced
from workers.images.prepare.image import Image
from workers.images.prepare.libraries import pillow
from workers.images.prepare.pixels import repeated


class Channels(PrepareStep):
    """To one channel, (rows, columns), or to three, (rows, columns, 3).

    Taken are 1 channel (grey), 2 (grey, alpha), 3 (RGB) and 4 (RGB, alpha); others are rejected. Alpha is dropped, or
    with `alpha: white` laid on white (8 bit only, as Pillow's `alpha_composite` rounds). Grey is repeated to three.
    RGB to grey: `luma`, ITU-R 601 (uint8: `(19595 R + 38470 G + 7471 B + 2**15) >> 16`, Pillow's mode L; else
    `0.299 R + 0.587 G + 0.114 B` in float64), or `mean`; integers rounded half to even. `order: bgr` gives the three
    channels in reverse. dtype, `value_range` and `spacing` stay. NaN and infinities go into what is made of them.
    """

    name: ClassVar[str] = "channels"

    to: Literal[1, 3] = Field(description="how many channels the network takes")
    grey: Literal["luma", "mean"] = Field(default="luma", description="how colour becomes grey: ITU-R 601, or the mean")
    alpha: Literal["drop", "white"] = Field(
        default="drop", description="what becomes of transparency: left out, or laid on white"
    )
    order: Literal["rgb", "bgr"] = Field(default="rgb", description="order of the three channels")

    def apply(self, image: Image) -> Image:
        pixels = self._opaque(image.pixels)
        if self.to == 1:
            return replaced(image, pixels if pixels.ndim == 2 else self._to_grey(pixels))
        if pixels.ndim == 2:
            return replaced(image, repeated(pixels, 3))
        return replaced(image, pixels[:, :, ::-1] if self.order == "bgr" else pixels)

    def _opaque(self, pixels: Array) -> Array:
        """(rows, columns) or (rows, columns, 3)."""
        count = pixels.shape[2] if pixels.ndim == 3 else 1
        if count > 4:
            raise self.reject(f"takes 1 to 4 channels, the image has {count}")
        if count in (2, 4) and self.alpha == "white":
            return self._on_white(pixels, count)
        if count == 4:
            return pixels[:, :, :3]
        return pixels[:, :, 0] if pixels.ndim == 3 and count < 3 else pixels

    def _on_white(self, pixels: Array, count: int) -> Array:
        if pixels.dtype != np.uint8:
            raise self.reject(f"alpha on white needs 8 bit pixels, has {pixels.dtype}")
        module = pillow()
        picture = module.fromarray(np.ascontiguousarray(pixels[:, :, [0, 0, 0, 1]] if count == 2 else pixels))
        white = module.new("RGBA", picture.size, (255, 255, 255, 255))
        result = np.asarray(module.alpha_composite(white, picture))
        return result[:, :, 0] if count == 2 else result[:, :, :3]

    def _to_grey(self, pixels: Array) -> Array:
        if pixels.strides[2] == 0:
            return pixels[:, :, 0]
        if self.grey == "luma" and pixels.dtype == np.uint8:
            return np.asarray(pillow().fromarray(np.ascontiguousarray(pixels)).convert("L"))
        if self.grey == "mean":
            result: Array = pixels.mean(axis=2, dtype=np.float64)
        else:
            result = pixels.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
        return (np.rint(result) if pixels.dtype.kind in "iu" else result).astype(pixels.dtype)
