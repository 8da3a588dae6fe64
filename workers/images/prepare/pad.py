"""`pad`: to a size, a multiple or a square."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from workers.contract import Array
from workers.images.prepare.base import PrepareStep, replaced
from workers.images.prepare.canvas import Anchor, Size, placed
from workers.images.prepare.image import Image


class Pad(PrepareStep):
    """Enlarge to `to` (rows, columns), to the next multiple of `multiple_of` on both sides, or to a `square`.

    The image lies in the middle (an odd rest goes to the bottom and right) or, with `anchor: top_left`, in the corner.
    New pixels are `value` (`mode: constant`), the nearest pixel (`edge`) or mirrored (`reflect`, dcb|abcd|cba). An
    image larger than `to` is rejected, and a value that the dtype cannot hold. dtype, channels, `value_range` and
    `spacing` stay.
    """

    name: ClassVar[str] = "pad"

    to: Size | None = Field(default=None, description="rows and columns of the result")
    multiple_of: Annotated[int, Field(ge=1, le=4096)] | None = Field(
        default=None, description="sides become the next multiple of it"
    )
    square: bool = Field(default=False, description="whether the shorter side becomes as long as the longer")
    value: float = Field(default=0.0, description="value of new pixels with mode: constant")
    mode: Literal["constant", "edge", "reflect"] = Field(
        default="constant", description="what new pixels are: one value, the nearest pixel, or mirrored"
    )
    anchor: Anchor = Field(default="center", description="where the image lies in the result")

    @model_validator(mode="after")
    def _check(self) -> Pad:
        if [self.to is not None, self.multiple_of is not None, self.square].count(True) != 1:
            raise ValueError("give one of to, multiple_of and square")
        return self

    def apply(self, image: Image) -> Image:
        height, width = image.pixels.shape[:2]
        rows, columns = self._target(height, width)
        if rows < height or columns < width:
            raise self.reject(f"the image is larger than {rows} x {columns}: put `resize` or `crop` before it")
        self.require_size(rows, columns)
        if self.mode == "constant":
            return replaced(image, placed(self, image.pixels, (rows, columns), self.value, self.anchor))
        return replaced(image, self._extended(image.pixels, rows - height, columns - width))

    def _target(self, height: int, width: int) -> tuple[int, int]:
        if self.to is not None:
            return self.to
        if self.square:
            return max(height, width), max(height, width)
        multiple = self.multiple_of or 1
        return -(-height // multiple) * multiple, -(-width // multiple) * multiple

    def _extended(self, pixels: Array, below: int, right: int) -> Array:
        top, left = (below // 2, right // 2) if self.anchor == "center" else (0, 0)
        widths = [(top, below - top), (left, right - left), (0, 0)][: pixels.ndim]
        return np.pad(pixels, widths, mode="edge" if self.mode == "edge" else "reflect")
