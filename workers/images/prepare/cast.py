"""`cast`: another dtype, the values kept."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from workers.contract import Array
from workers.images.prepare.base import PrepareStep, replaced
from workers.images.prepare.image import ANY, Image, Range

_ROUND = {"nearest": np.rint, "floor": np.floor, "truncate": np.trunc}


class Cast(PrepareStep):
    """The same values in `dtype`, rounded (`nearest` is half to even) where it is an integer type.

    Values outside of the type become its nearest end, infinities too (`overflow: clip`), or the image is rejected
    (`overflow: reject`). NaN is rejected for integer types and kept by float32. `value_range` is rounded as the
    pixels are. One that the type cannot hold is none afterwards, as pixels have none that had none before (floats): a
    type says nothing of what values mean.
    """

    name: ClassVar[str] = "cast"

    dtype: Literal["uint8", "uint16", "int16", "int32", "float32"] = Field(description="the type that pixels get")
    rounding: Literal["nearest", "floor", "truncate"] = Field(
        default="nearest", description="how fractions become integers; nearest is half to even"
    )
    overflow: Literal["clip", "reject"] = Field(
        default="clip",
        description="what becomes of values that the type cannot hold: its nearest end, or the image is rejected",
    )

    def apply(self, image: Image) -> Image:
        if image.pixels.dtype == self.dtype:
            return image
        if self.dtype == "float32":
            return replaced(image, self._to_float(image.pixels))
        value_range = self.stated_range(image.value_range)
        return replaced(image, self._to_integer(image.pixels, self.overflow), value_range=value_range)

    def stated_range(self, value_range: Range | None) -> Range | None:
        if value_range is None or value_range == ANY or self.dtype == "float32":
            return value_range
        low, high = _ROUND[self.rounding](np.array(value_range, np.float64)).tolist()
        ends = np.iinfo(self.dtype)
        return (low, high) if ends.min <= low and high <= ends.max else ANY

    def _to_float(self, pixels: Array) -> Array:
        largest = np.finfo(np.float32).max
        if pixels.dtype == np.float64:
            self._check_overflow((np.abs(pixels) > largest) & np.isfinite(pixels), self.overflow)
            pixels = np.where(np.isfinite(pixels), np.clip(pixels, -largest, largest), pixels)
        return pixels.astype(np.float32)

    def _to_integer(self, pixels: Array, overflow: str) -> Array:
        if pixels.dtype.kind == "f":
            if np.isnan(pixels).any():
                raise self.reject(f"the image has NaN, which {self.dtype} cannot hold")
            pixels = _ROUND[self.rounding](pixels.astype(np.float64))
        ends = np.iinfo(self.dtype)
        self._check_overflow((pixels < ends.min) | (pixels > ends.max), overflow)
        low, high = int(ends.min), int(ends.max)
        if pixels.dtype.kind in "iu":
            # Ends that the pixels' own type cannot hold are none that could be passed.
            own = np.iinfo(pixels.dtype)
            low, high = max(low, int(own.min)), min(high, int(own.max))
        return np.clip(pixels, low, high).astype(self.dtype)

    def _check_overflow(self, outside: Array, overflow: str) -> None:
        if overflow == "reject" and outside.any():
            raise self.reject(f"the image has values that {self.dtype} cannot hold")
