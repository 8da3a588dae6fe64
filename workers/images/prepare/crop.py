"""`crop`: the middle, or a box."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from workers.contract import Array
from workers.images.prepare.base import PrepareStep, replaced
from workers.images.prepare.canvas import Side, Size, blank
from workers.images.prepare.image import Image

Offset = Annotated[int, Field(ge=0)]


class Crop(PrepareStep):
    """`size` (rows, columns) from the middle, or `box` (top, left, rows, columns) in pixels.

    The middle starts at `(side - size) // 2`. An image smaller than `size` is padded with `pad`, of which an odd rest
    goes to the top and left, as transformers' `center_crop` does (`small: pad`), or rejected (`small: reject`). A box
    that leaves the image is rejected. dtype, channels, `value_range` and `spacing` stay.
    """

    name: ClassVar[str] = "crop"

    size: Size | None = Field(default=None, description="rows and columns from the middle")
    box: tuple[Offset, Offset, Side, Side] | None = Field(
        default=None, description="top, left, rows, columns in pixels"
    )
    small: Literal["pad", "reject"] = Field(default="pad", description="what becomes of an image smaller than size")
    pad: float = Field(default=0.0, description="value of the pixels that small: pad adds")

    @model_validator(mode="after")
    def _check(self) -> Crop:
        if (self.size is None) == (self.box is None):
            raise ValueError("give either size or box")
        return self

    def apply(self, image: Image) -> Image:
        pixels = image.pixels
        return replaced(image, self._middle(pixels, self.size) if self.size is not None else self._boxed(pixels))

    def _boxed(self, pixels: Array) -> Array:
        top, left, rows, columns = self.box or (0, 0, *pixels.shape[:2])
        if top + rows > pixels.shape[0] or left + columns > pixels.shape[1]:
            raise self.reject("the box leaves the image")
        return pixels[top : top + rows, left : left + columns]

    def _middle(self, pixels: Array, size: Size) -> Array:
        (height, width), (rows, columns) = pixels.shape[:2], size
        top, left = max(0, (height - rows) // 2), max(0, (width - columns) // 2)
        cut = pixels[top : top + rows, left : left + columns]
        if cut.shape[:2] == (rows, columns):
            return cut
        if self.small == "reject":
            raise self.reject(f"the image is smaller than {rows} x {columns}")
        canvas = blank(self, pixels, size, self.pad)
        above, before = (rows - cut.shape[0] + 1) // 2, (columns - cut.shape[1] + 1) // 2
        canvas[above : above + cut.shape[0], before : before + cut.shape[1]] = cut
        return canvas
