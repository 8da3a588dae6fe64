"""`standardise`: by fixed numbers, one or one a channel."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from schemas.wording import counted
from workers.contract import Affine
from workers.images.prepare.affine import apply_affine, range_after
from workers.images.prepare.base import PrepareStep, replaced
from workers.images.prepare.image import Image, Range


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else value


PerChannel = Annotated[
    tuple[float, ...],
    BeforeValidator(_as_list, json_schema_input_type=float | tuple[float, ...]),
    Field(min_length=1),
]


class Standardise(PrepareStep):
    """`(x * scale - mean) / std`, each operation rounded to float32; mean and std are one number or one a channel.

    Result float32; `value_range` becomes the smallest and largest value that any channel can take. NaN and infinities
    stay what they are. Rejects an image whose channels are not as many as the numbers. As the last step it is left to
    the device.
    """

    name: ClassVar[str] = "standardise"

    mean: PerChannel = Field(default=(0.0,), description="what is taken off, one value or one a channel")
    std: PerChannel = Field(default=(1.0,), description="what is divided by then, one value or one a channel")
    scale: float = Field(default=1.0, description="what every value is multiplied by first")

    @model_validator(mode="after")
    def _check(self) -> Standardise:
        if any(np.float32(abs(std)) == 0 for std in self.std):
            raise ValueError("std must not be 0")
        if 1 not in (len(self.mean), len(self.std)) and len(self.mean) != len(self.std):
            raise ValueError(
                f"mean has {counted(len(self.mean), 'value')} and std has {len(self.std)}: give one a channel"
            )
        return self

    def stated_range(self, value_range: Range | None) -> Range | None:
        return None if value_range is None else range_after(self.affine(), value_range)

    def apply(self, image: Image) -> Image:
        wanted = max(len(self.mean), len(self.std))
        channels = image.pixels.shape[2] if image.pixels.ndim == 3 else 1
        if wanted not in (1, channels):
            raise self.reject(f"has numbers for {wanted} channels, the image has {channels}: put `channels` before it")
        affine = self.affine()
        return replaced(image, apply_affine(image.pixels, affine), value_range=range_after(affine, image.value_range))

    def affine(self) -> Affine:
        """The same as a device computes it."""
        return Affine(self.scale, self.mean, self.std)
